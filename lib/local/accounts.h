#pragma once

#include "local/book.h"

#include <map>
#include <string>

/// \file
/// Who may ask the gateway, and what they have left.

namespace klio::local {

/// An owner is the SHA-256 of a bearer key: the gateway remembers no key. Thread-safe.
class Accounts {
public:
    /// `keys` with their credits; none: every key is good, and has `credits`. Negative credits have
    /// no end.
    Accounts(const std::map<std::string, long>& keys, long credits, const Book& book);

    /// The owner behind an Authorization header; false with `problem`.
    bool authorize(const std::string& header, std::string& owner, std::string& problem) const;
    /// What `owner` has, less what running tasks will take; false where that has no end.
    bool balance(const std::string& owner, long& credits) const;
    /// "key 1a2b3c4d, 94 credits left", for the log.
    std::string describe(const std::string& owner) const;

private:
    std::map<std::string, long> m_credits; ///< by owner
    long m_any;
    const Book& m_book;
};

} // namespace klio::local
