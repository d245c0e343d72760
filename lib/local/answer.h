#pragma once

#include "local/book.h"

#include <httplib.h>

#include <string>
#include <vector>

/// \file
/// The bodies that the gateway answers with: the documented shapes, and the spoilt ones.

namespace klio::local {

/// A result image, by its URL or with its bytes.
struct AnswerImage {
    std::string url;
    std::string bytes;
};

/// Answers of a create.
std::string create_body(const Task& task, const std::string& fault,
                        const std::vector<AnswerImage>& images);
/// Whether the task ends without images.
bool ends_failed(const Task& task);
/// Answers of a task that runs, failed, or is done with `images`.
std::string waiting_body(const Task& task);
std::string failed_body(const Task& task);
std::string done_body(const Task& task, std::vector<AnswerImage> images);
/// Whether done_body() wants the images' bytes.
bool wants_bytes(const Task& task);

/// GET /ledger.
std::string ledger_body(const Book& book, double now);
/// An exchange as one line of the log.
std::string exchange_line(const std::string& name, const httplib::Request& request,
                          const httplib::Response& response, const std::string& fault);

/// True where `fault` answers in place of the gateway, which then carries nothing out.
bool replaces_request(const std::string& fault);
/// Turns `response` into what `fault` wants; nothing where it is no fault of the answer.
void spoil(const std::string& fault, httplib::Response& response);

} // namespace klio::local
