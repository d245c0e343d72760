#include "local/accounts.h"

#include "base/secret.h"
#include "base/sha256.h"

namespace klio::local {

Accounts::Accounts(const std::map<std::string, long>& keys, long credits, const Book& book)
    : m_any(credits), m_book(book)
{
    // Made a Secret for a moment, so that whatever is logged has it masked.
    for (const auto& [key, own] : keys)
        m_credits[base::sha256_hex(base::Secret(key).reveal())] = own;
}

bool Accounts::authorize(const std::string& header, std::string& owner, std::string& problem) const
{
    const std::string key = header.rfind("Bearer ", 0) == 0 ? header.substr(7) : "";
    owner = base::sha256_hex(key);
    if (m_credits.empty() || m_credits.count(owner))
        return true;
    problem = key.empty() ? "no API key: send Authorization: Bearer KEY" : "invalid API key";
    return false;
}

bool Accounts::balance(const std::string& owner, long& credits) const
{
    const auto own = m_credits.find(owner);
    credits = own == m_credits.end() ? m_any : own->second;
    if (credits < 0)
        return false;
    credits -= m_book.spent(owner);
    return true;
}

std::string Accounts::describe(const std::string& owner) const
{
    long credits = 0;
    const bool counted = balance(owner, credits);
    return (m_credits.empty() ? std::string("any key") : "key " + owner.substr(0, 8))
        + (counted ? ", " + std::to_string(credits) + " credits left" : ", credits without end");
}

} // namespace klio::local
