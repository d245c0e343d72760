#pragma once

#include <string>

/// \file
/// URLs of result images: signed, so that nobody guesses one, and good until a time that is part
/// of them, as object stores have it.

namespace klio::local {

class Links {
public:
    explicit Links(std::string secret) : m_secret(std::move(secret)) { }

    /// The path and query of image `index` (from 0) of a task; `expires` is Unix time.
    std::string make(const std::string& task, int index, double expires) const;
    /// Whether make() gave this path with this query.
    bool genuine(const std::string& path, const std::string& expires,
                 const std::string& signature) const;

private:
    std::string sign(const std::string& path, const std::string& expires) const;

    std::string m_secret;
};

} // namespace klio::local
