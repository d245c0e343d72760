#include "staging/setting.h"

#include "base/encoding.h"
#include "base/secret.h"
#include "transport/url.h"

#include <klio/error.h>
#include <klio/staging.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace klio::staging {

namespace {

const std::map<std::string, std::vector<std::string>>& known_parameters()
{
    static const std::map<std::string, std::vector<std::string>> known = {
        {"inline", {}},
        {"s3", {"endpoint", "region", "style", "expires", "profile"}},
        {"http", {"public"}},
        {"file", {"public"}},
    };
    return known;
}

[[noreturn]] void refuse(const std::string& text, const std::string& why)
{
    throw UsageError("stage '" + base::mask(text) + "': " + why);
}

// The parts of a path, each percent-decoded once. Servers and proxies fold "." and ".." and
// doubled slashes in different ways, so that what is signed, stored and fetched would differ.
std::string clean_path(const std::string& text, const std::string& path)
{
    std::string out = "/";
    size_t start = 0;
    while (start < path.size()) {
        const size_t end = std::min(path.find('/', start), path.size());
        const std::string part = base::percent_decode(path.substr(start, end - start));
        if (part == "." || part == "..")
            refuse(text, "'" + part + "' can't be part of its path");
        if (part.empty() && start > 0)
            refuse(text, "its path has an empty part ('//')");
        if (!base::utf8_valid(part))
            refuse(text, "its path is not UTF-8");
        if (std::any_of(part.begin(), part.end(), [](char c) {
                return static_cast<unsigned char>(c) < 32 || c == 127 || c == '/' || c == '\\';
            }))
            refuse(text, "its path has a character that names can't have");
        if (!part.empty())
            out += part + "/";
        start = end + 1;
    }
    return out;
}

std::map<std::string, std::string>
parse_parameters(const std::string& text, const std::string& kind, const std::string& query)
{
    const std::vector<std::string>& known = known_parameters().at(kind);
    std::map<std::string, std::string> parameters;
    size_t start = 0;
    while (start < query.size()) {
        const size_t end = std::min(query.find('&', start), query.size());
        const std::string pair = query.substr(start, end - start);
        const size_t equals = std::min(pair.find('='), pair.size());
        const std::string name = base::percent_decode(pair.substr(0, equals));
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            const std::string near = base::nearest(name, known);
            std::string names;
            for (const std::string& one : known)
                names += (names.empty() ? "" : ", ") + one;
            refuse(text,
                   "unknown parameter '" + name + "'; "
                       + (near.empty() ? "there are: " + names : "did you mean '" + near + "'?")
                       + (kind == "http"
                              ? " (a query for the upload itself goes into KLIO_STAGE_QUERY)"
                              : ""));
        }
        parameters[name]
            = equals < pair.size() ? base::percent_decode(pair.substr(equals + 1)) : "";
        start = end + 1;
    }
    return parameters;
}

void check_public(const StageSetting& setting, const std::string& text)
{
    const std::string address = setting.parameter("public");
    if (address.empty())
        return;
    try {
        if (!parse_web_url(address, "public").query.empty())
            refuse(text, "public=: a query can't be part of it");
    } catch (const UsageError& error) {
        refuse(text, error.what());
    }
}

} // namespace

WebUrl parse_web_url(const std::string& url, const std::string& what)
{
    const auto fail = [&](const std::string& why) {
        throw UsageError(what + " '" + base::mask_url(url) + "': " + why);
    };
    const size_t scheme_end = url.find("://");
    const std::string scheme = base::lower(url.substr(0, std::min(scheme_end, url.size())));
    if (scheme_end == std::string::npos || (scheme != "https" && scheme != "http"))
        fail("an https:// URL is needed");
    const size_t start = scheme_end + 3;
    const size_t end = std::min(url.find_first_of("/?#", start), url.size());
    std::string host = base::lower(url.substr(start, end - start));
    if (host.find('@') != std::string::npos)
        fail("a user or password does not belong in a URL; use KLIO_STAGE_USER and "
             "KLIO_STAGE_PASSWORD");
    if (url.find('#') != std::string::npos)
        fail("a '#' can't be part of it (write %23)");
    std::string port;
    const size_t colon = host.rfind(':');
    if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
        port = host.substr(colon + 1);
        host.resize(colon);
        if (port.empty() || port.size() > 5
            || port.find_first_not_of("0123456789") != std::string::npos || std::stoi(port) > 65535)
            fail("its port is no number from 1 to 65535");
    }
    if (host.empty())
        fail("a host is missing");
    if (host.find_first_of(" \t\"'<>\\%") != std::string::npos)
        fail("its host has a character that hosts can't have");
    const std::string bare = host.front() == '[' ? host.substr(1, host.size() - 2) : host;
    if (scheme == "http" && !transport::is_loopback_host(bare))
        fail("http is for loopback alone: what is staged is confidential; use https");
    if (port == (scheme == "https" ? "443" : "80"))
        port.clear();
    WebUrl parsed;
    parsed.host = host + (port.empty() ? "" : ":" + port);
    parsed.origin = scheme + "://" + parsed.host;
    const size_t question = std::min(url.find('?', end), url.size());
    parsed.path = base::percent_decode(url.substr(end, question - end));
    if (parsed.path.empty())
        parsed.path = "/";
    if (question < url.size())
        parsed.query = url.substr(question + 1);
    return parsed;
}

std::string StageSetting::parameter(const std::string& name) const
{
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
}

double StageSetting::seconds(const std::string& name, double fallback) const
{
    const std::string value = parameter(name);
    if (value.empty())
        return fallback;
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (*end != '\0' || !(number >= 1))
        throw UsageError("stage '" + text() + "': " + name + "=" + value
                         + " is no number of seconds");
    return number;
}

std::string StageSetting::address() const
{
    if (kind == "inline")
        return kind;
    const std::string encoded = base::percent_encode(path, "/");
    if (kind == "s3")
        return "s3://" + base + (path.empty() ? "" : "/" + encoded);
    return (kind == "file" ? "file://" : base) + encoded;
}

std::string StageSetting::label() const
{
    return "stage " + address();
}

std::string StageSetting::text() const
{
    std::string out = address();
    char separator = '?';
    for (const auto& [name, value] : parameters) {
        out += separator + name + "=" + base::percent_encode(value, "/:");
        separator = '&';
    }
    return out;
}

StageSetting parse_stage_setting(const std::string& text)
{
    if (text.empty())
        throw UsageError(stage_help());
    StageSetting setting;
    if (text == "inline") {
        setting.kind = "inline";
        return setting;
    }
    const size_t scheme_end = text.find("://");
    const std::string scheme
        = scheme_end == std::string::npos ? std::string() : base::lower(text.substr(0, scheme_end));
    if (scheme != "s3" && scheme != "http" && scheme != "https" && scheme != "file")
        throw UsageError("stage '" + base::mask(text) + "': unknown; " + stage_help());
    setting.kind = scheme == "https" ? "http" : scheme;
    const size_t question = std::min(text.find('?'), text.size());
    const std::string address = text.substr(0, question);
    const std::string query = question < text.size() ? text.substr(question + 1) : std::string();
    if (address.find('#') != std::string::npos)
        refuse(text, "a '#' can't be part of its path (write %23)");
    const size_t start = scheme_end + 3;
    const size_t slash = std::min(address.find('/', start), address.size());
    const std::string host = address.substr(start, slash - start);
    setting.path = clean_path(text, address.substr(slash));
    setting.parameters = parse_parameters(text, setting.kind, query);

    if (setting.kind == "s3") {
        setting.base = host;
        setting.path.erase(0, 1);
        if (host.empty())
            refuse(text, "a bucket is missing: s3://BUCKET/prefix");
        if (host.find('@') != std::string::npos)
            refuse(text,
                   "keys do not belong in it; use AWS_ACCESS_KEY_ID and "
                   "AWS_SECRET_ACCESS_KEY, or a profile");
        if (host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   ".-_")
            != std::string::npos)
            refuse(text, "'" + host + "' is no bucket's name");
        const std::string style = setting.parameter("style");
        if (!style.empty() && style != "path" && style != "virtual")
            refuse(text, "style=" + style + ": must be path or virtual");
        const std::string endpoint = setting.parameter("endpoint");
        if (!endpoint.empty()) {
            const WebUrl url = parse_web_url(
                endpoint.find("://") == std::string::npos ? "https://" + endpoint : endpoint,
                "stage '" + base::mask(text) + "': endpoint");
            if (url.path != "/" || !url.query.empty())
                refuse(text, "endpoint=: only a scheme, host and port");
            setting.parameters["endpoint"] = url.origin;
        }
        setting.seconds("expires", 0);
        return setting;
    }
    if (setting.kind == "file") {
        if (!host.empty() && base::lower(host) != "localhost")
            refuse(text,
                   "a folder of this machine is needed: file:///srv/www/klio (three slashes)");
        if (setting.path == "/")
            refuse(text, "a folder is missing: file:///srv/www/klio");
        if (setting.parameter("public").empty())
            refuse(text,
                   "the URL of that folder is missing: add "
                   "?public=https://plates.example.com/klio/");
        check_public(setting, text);
        return setting;
    }
    setting.base = parse_web_url(text.substr(0, slash), "stage").origin;
    check_public(setting, text);
    return setting;
}

} // namespace klio::staging
