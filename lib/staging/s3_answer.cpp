#include "staging/s3_answer.h"

#include "base/json.h"
#include "base/secret.h"
#include "staging/aws_credentials.h"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <map>

namespace klio::staging {

namespace {

// The text of the first <name> element. The documents are flat and small, and nothing in them is
// trusted further than to be shown.
std::string element(const std::string& xml, const std::string& name)
{
    const size_t open = xml.find("<" + name + ">");
    if (open == std::string::npos)
        return {};
    const size_t start = open + name.size() + 2;
    const size_t end = xml.find('<', start);
    if (end == std::string::npos)
        return {};
    std::string text = xml.substr(start, end - start);
    static const std::pair<const char*, const char*> entities[]
        = {{"&quot;", "\""}, {"&apos;", "'"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}};
    for (const auto& [entity, character] : entities)
        for (size_t at = 0; (at = text.find(entity, at)) != std::string::npos; ++at)
            text.replace(at, std::string(entity).size(), character);
    return text;
}

std::string one_line(std::string text)
{
    std::string out;
    for (char c : text) {
        const bool blank = static_cast<unsigned char>(c) <= 32;
        if (!blank)
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    }
    if (!out.empty() && out.back() == ' ')
        out.pop_back();
    if (out.size() > 300)
        out = out.substr(0, 300) + "…";
    return out;
}

std::string without_tags(const std::string& html)
{
    std::string out;
    bool inside = false;
    for (char c : html) {
        if (c == '<')
            inside = true;
        if (!inside)
            out += c;
        if (c == '>') {
            inside = false;
            out += ' ';
        }
    }
    return out;
}

std::string reason_phrase(int status)
{
    static const std::map<int, const char*> phrases = {{200, "OK"},
                                                       {206, "Partial Content"},
                                                       {301, "Moved Permanently"},
                                                       {302, "Found"},
                                                       {307, "Temporary Redirect"},
                                                       {308, "Permanent Redirect"},
                                                       {400, "Bad Request"},
                                                       {401, "Unauthorized"},
                                                       {403, "Forbidden"},
                                                       {404, "Not Found"},
                                                       {405, "Method Not Allowed"},
                                                       {410, "Gone"},
                                                       {409, "Conflict"},
                                                       {411, "Length Required"},
                                                       {412, "Precondition Failed"},
                                                       {413, "Content Too Large"},
                                                       {415, "Unsupported Media Type"},
                                                       {429, "Too Many Requests"},
                                                       {500, "Internal Server Error"},
                                                       {502, "Bad Gateway"},
                                                       {503, "Service Unavailable"},
                                                       {504, "Gateway Timeout"},
                                                       {507, "Insufficient Storage"}};
    const auto found = phrases.find(status);
    return found == phrases.end() ? "" : std::string(" ") + found->second;
}

double parse_http_date(const std::string& text)
{
    std::tm parts {};
    return strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S", &parts) ? double(timegm(&parts)) : 0;
}

std::string duration(double seconds)
{
    const long total = std::lround(seconds);
    char buffer[64];
    if (total >= 3600)
        std::snprintf(buffer, sizeof buffer, "%ld h %ld min", total / 3600, total / 60 % 60);
    else if (total >= 60)
        std::snprintf(buffer, sizeof buffer, "%ld min %ld s", total / 60, total % 60);
    else
        std::snprintf(buffer, sizeof buffer, "%ld s", total);
    return buffer;
}

std::string message_in_json(const std::string& body)
{
    base::Json json;
    base::JsonError error;
    if (!base::parse_json(body, json, error) || !json.is_object())
        return {};
    for (const char* name : {"message", "error", "detail", "errors"}) {
        const auto found = json.find(name);
        if (found == json.end())
            continue;
        if (found->is_string())
            return found->get<std::string>();
        if (found->is_object() && found->contains("message") && (*found)["message"].is_string())
            return (*found)["message"].get<std::string>();
        return base::to_text(*found);
    }
    return base::to_text(json);
}

} // namespace

std::string explain_answer_briefly(const transport::HttpResponse& response)
{
    if (response.outcome != transport::Outcome::answered)
        return (response.error.empty() ? "no answer" : base::mask(response.error))
            + (response.fault == transport::Fault::tls
                   ? "; KLIO_CACERT names a file of further certificates to trust"
                   : "");
    return std::to_string(response.status) + reason_phrase(response.status);
}

std::string explain_answer(const transport::HttpResponse& response)
{
    std::string text = explain_answer_briefly(response);
    if (response.outcome != transport::Outcome::answered)
        return text;
    const size_t first = response.body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    std::string words;
    if (first != std::string::npos && (response.body[first] == '{' || response.body[first] == '['))
        words = message_in_json(response.body);
    else if (first != std::string::npos && response.body[first] == '<') {
        words = element(response.body, "Message"); // S3's; DAV's is <s:message>
        for (const char* name : {"s:message", "title", "h1"})
            if (words.empty())
                words = element(response.body, name);
        if (words.empty())
            words = without_tags(response.body);
    } else {
        words = response.body;
    }
    words = one_line(base::mask(words));
    // Many servers' own pages only say the status again, in their own words for it.
    if (!words.empty() && words.compare(0, 3, text, 0, 3) != 0)
        text += ": " + words;
    return text;
}

S3Error parse_s3_error(const transport::HttpResponse& response)
{
    S3Error error;
    error.code = one_line(element(response.body, "Code"));
    error.message = one_line(base::mask(element(response.body, "Message")));
    error.region = one_line(element(response.body, "Region"));
    if (error.region.empty())
        error.region = one_line(response.header("x-amz-bucket-region"));
    error.endpoint = one_line(element(response.body, "Endpoint"));
    error.server_time = parse_iso_time(element(response.body, "ServerTime"));
    if (error.server_time == 0)
        error.server_time = parse_http_date(response.header("date"));
    return error;
}

std::vector<std::string> parse_s3_versions(const std::string& xml, const std::string& key)
{
    std::vector<std::string> versions;
    for (const std::string& name : {std::string("Version"), std::string("DeleteMarker")}) {
        const std::string open = "<" + name + ">", close = "</" + name + ">";
        for (size_t at = 0; (at = xml.find(open, at)) != std::string::npos;) {
            const size_t end = std::min(xml.find(close, at), xml.size());
            const std::string one = xml.substr(at, end - at);
            if (element(one, "Key") == key && !element(one, "VersionId").empty())
                versions.push_back(element(one, "VersionId"));
            at = end;
        }
    }
    return versions;
}

std::string explain_s3_error(const transport::HttpResponse& response, const std::string& region,
                             double now)
{
    if (response.outcome != transport::Outcome::answered)
        return explain_answer(response);
    const S3Error error = parse_s3_error(response);
    std::string text = error.code.empty() ? explain_answer(response)
                                          : std::to_string(response.status) + " " + error.code
            + (error.message.empty() ? "" : ": " + error.message);
    const double skew = error.server_time == 0 ? 0 : now - error.server_time;
    const bool about_time = error.code == "RequestTimeTooSkewed" || error.code == "RequestExpired"
        || error.code == "AccessDenied" || response.status == 403;
    if (std::abs(skew) > 300 && about_time)
        text += "; this machine's clock is " + duration(std::abs(skew))
            + (skew > 0 ? " ahead of" : " behind") + " the server's: set it right";
    else if (!error.region.empty() && error.region != region)
        text += "; the bucket is in region " + error.region + ", not " + region
            + ": set region=" + error.region;
    else if (response.status >= 300 && response.status < 400 && error.region.empty())
        text += "; the bucket is elsewhere"
            + (error.endpoint.empty() ? std::string() : ": at " + error.endpoint)
            + "; set region= (or endpoint=) to where it is";
    else if (error.code == "SignatureDoesNotMatch")
        text += "; the secret key does not belong to the access key (or a proxy changes requests)";
    else if (error.code == "InvalidAccessKeyId")
        text += "; check AWS_ACCESS_KEY_ID or the profile";
    else if (error.code == "ExpiredToken")
        text += "; get new session keys";
    else if (error.code == "NoSuchBucket")
        text += "; check the bucket's name and the endpoint";
    else if (error.code == "AccessDenied")
        text += "; the key needs s3:PutObject, s3:GetObject and s3:DeleteObject there";
    return text;
}

} // namespace klio::staging
