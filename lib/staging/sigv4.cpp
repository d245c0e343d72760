#include "staging/sigv4.h"

#include "base/encoding.h"
#include "base/sha256.h"

#include <algorithm>
#include <ctime>
#include <map>

namespace klio::staging::sigv4 {

namespace {

// Leading and trailing blanks go, runs of blanks become one: what proxies do to headers.
std::string squeezed(const std::string& value)
{
    std::string out;
    for (char c : value) {
        const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (!blank)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    if (!out.empty() && out.back() == ' ')
        out.pop_back();
    return out;
}

std::string text(const base::Digest& digest)
{
    return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// Lower-case name -> values, joined by a comma where a header stands more than once.
std::map<std::string, std::string> canonical_headers(const Pairs& headers)
{
    std::map<std::string, std::string> canonical;
    for (const auto& [name, value] : headers) {
        std::string& joined = canonical[base::lower(name)];
        joined += (joined.empty() ? "" : ",") + squeezed(value);
    }
    return canonical;
}

std::string signed_names(const Pairs& headers)
{
    std::string names;
    for (const auto& [name, value] : canonical_headers(headers))
        names += (names.empty() ? "" : ";") + name;
    return names;
}

std::string scope_text(const Scope& scope, const std::string& date)
{
    return date.substr(0, 8) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

std::string signature(const std::string& canonical, const Credentials& credentials,
                      const Scope& scope, const std::string& date)
{
    const std::string to_sign = "AWS4-HMAC-SHA256\n" + date + "\n" + scope_text(scope, date) + "\n"
        + base::sha256_hex(canonical);
    std::string key = "AWS4" + credentials.secret_key.reveal();
    for (const std::string& part :
         {date.substr(0, 8), scope.region, scope.service, std::string("aws4_request")})
        key = text(base::hmac_sha256(key, part));
    const base::Digest digest = base::hmac_sha256(key, to_sign);
    return base::hex(digest.data(), digest.size());
}

} // namespace

std::string amz_date(double unix_time)
{
    const auto seconds = static_cast<std::time_t>(unix_time);
    std::tm parts {};
    gmtime_r(&seconds, &parts);
    char buffer[32];
    std::strftime(buffer, sizeof buffer, "%Y%m%dT%H%M%SZ", &parts);
    return buffer;
}

std::string encode_path(const std::string& path)
{
    return base::percent_encode(path, "/");
}

std::string encode_query(const Pairs& query)
{
    Pairs encoded;
    for (const auto& [name, value] : query)
        encoded.emplace_back(base::percent_encode(name), base::percent_encode(value));
    std::sort(encoded.begin(), encoded.end());
    std::string out;
    for (const auto& [name, value] : encoded)
        out += (out.empty() ? "" : "&") + name + "=" + value;
    return out;
}

std::string canonical_request(const Request& request, const Pairs& headers)
{
    std::string out = request.method + "\n" + encode_path(request.path) + "\n"
        + encode_query(request.query) + "\n";
    for (const auto& [name, value] : canonical_headers(headers))
        out += name + ":" + value + "\n";
    return out + "\n" + signed_names(headers) + "\n" + request.payload_hash;
}

Pairs sign_headers(const Request& request, const Credentials& credentials, const Scope& scope,
                   double unix_time)
{
    const std::string date = amz_date(unix_time);
    Pairs added = {{"X-Amz-Date", date}};
    if (scope.service == "s3")
        added.emplace_back("X-Amz-Content-Sha256", request.payload_hash);
    if (!credentials.session_token.empty())
        added.emplace_back("X-Amz-Security-Token", credentials.session_token.reveal());
    Pairs headers = request.headers;
    headers.emplace_back("Host", request.host);
    headers.insert(headers.end(), added.begin(), added.end());
    added.emplace_back(
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=" + credentials.access_key + "/" + scope_text(scope, date)
            + ", SignedHeaders=" + signed_names(headers) + ", Signature="
            + signature(canonical_request(request, headers), credentials, scope, date));
    return added;
}

std::string presign(const Request& request, const Credentials& credentials, const Scope& scope,
                    double unix_time, double life)
{
    const std::string date = amz_date(unix_time);
    Pairs headers = request.headers;
    headers.emplace_back("Host", request.host);
    Request asked = request;
    asked.query.emplace_back("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    asked.query.emplace_back("X-Amz-Credential",
                             credentials.access_key + "/" + scope_text(scope, date));
    asked.query.emplace_back("X-Amz-Date", date);
    asked.query.emplace_back("X-Amz-Expires", std::to_string(static_cast<long long>(life)));
    if (!credentials.session_token.empty())
        asked.query.emplace_back("X-Amz-Security-Token", credentials.session_token.reveal());
    asked.query.emplace_back("X-Amz-SignedHeaders", signed_names(headers));
    return encode_query(asked.query) + "&X-Amz-Signature="
        + signature(canonical_request(asked, headers), credentials, scope, date);
}

} // namespace klio::staging::sigv4
