#pragma once

#include "service/client.h"
#include "transport/url.h"

/// \file
/// What the client's parts share; no part of its interface.

namespace klio::service {

struct Client::Impl {
    Impl(transport::Transport& to, ClientOptions with);

    transport::HttpRequest api_request(const std::string& path) const;
    std::string without_key(std::string text) const;
    void judge_create(transport::HttpResponse response, CreateOutcome& outcome) const;
    void decide_create(const transport::HttpResponse& response, CreateOutcome& outcome) const;
    transport::HttpRequest image_request(const std::string& url) const;
    Download fetch(const ResultImage& image, int index, double deadline,
                   const CancelToken& cancel) const;

    transport::Transport& transport;
    ClientOptions options;
    base::Clock& clock;
    base::Random& random;
    transport::Url endpoint;
    bool on_loopback = false;
};

/// The failure that an exchange without a whole answer is.
Failure failure_of_response(const transport::HttpResponse& response);

} // namespace klio::service
