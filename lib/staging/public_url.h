#pragma once

#include "transport/http.h"

#include <string>
#include <vector>

namespace klio::staging {

/// The public side of a folder or HTTP stage: where a stranger finds an object by its name.
class PublicUrl {
public:
    /// `address` as `public=` has it, a slash at its end or not.
    explicit PublicUrl(const std::string& address);
    std::string of(const std::string& name) const { return m_folder + name; }
    const std::string& folder() const { return m_folder; }
    /// A GET and a PROPFIND of the folder, without credentials.
    std::vector<transport::HttpRequest> listing_requests() const;

private:
    std::string m_folder; ///< percent-encoded, with a slash at its end
};

} // namespace klio::staging
