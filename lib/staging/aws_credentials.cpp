#include "staging/aws_credentials.h"

#include "base/file.h"

#include <klio/error.h>

#include <cstdlib>
#include <ctime>
#include <map>

namespace klio::staging {

namespace {

using Profile = std::map<std::string, std::string>;
using Profiles = std::map<std::string, Profile>;

std::string trimmed(const std::string& text)
{
    const size_t first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") + 1 - first);
}

// AWS' own form of INI: "[name]" or "[profile name]", "key = value", comments at a line's start,
// and indented lines that belong to the key above (nested settings, which nothing here needs).
Profiles read_profiles(const std::string& path)
{
    Profiles profiles;
    if (path.empty() || !base::exists(path))
        return profiles;
    std::string text;
    try {
        text = base::read_file(path, 4u << 20);
    } catch (const ReferenceError& error) {
        throw StagingError(std::string("S3 keys: ") + error.what());
    }
    std::string section;
    size_t start = 0;
    while (start < text.size()) {
        const size_t end = std::min(text.find('\n', start), text.size());
        const std::string raw = text.substr(start, end - start);
        start = end + 1;
        const std::string line = trimmed(raw);
        if (line.empty() || line[0] == '#' || line[0] == ';')
            continue;
        if (line[0] == '[') {
            section = trimmed(line.substr(1, line.find(']') - 1));
            if (section.compare(0, 8, "profile ") == 0)
                section = trimmed(section.substr(8));
            profiles[section];
            continue;
        }
        const size_t equals = line.find('=');
        if (equals == std::string::npos || raw[0] == ' ' || raw[0] == '\t')
            continue;
        profiles[section][trimmed(line.substr(0, equals))] = trimmed(line.substr(equals + 1));
    }
    return profiles;
}

std::string value_of(const Profile& profile, const char* name)
{
    const auto found = profile.find(name);
    return found == profile.end() ? std::string() : found->second;
}

std::string first_of(std::initializer_list<std::string> values)
{
    for (const std::string& value : values)
        if (!value.empty())
            return value;
    return {};
}

void use_profile(const Profile& profile, const std::string& name, AwsSettings& settings)
{
    sigv4::Credentials& credentials = settings.credentials;
    credentials.access_key = value_of(profile, "aws_access_key_id");
    credentials.secret_key = base::Secret(value_of(profile, "aws_secret_access_key"));
    credentials.session_token = base::Secret(value_of(profile, "aws_session_token"));
    credentials.origin = "profile " + name;
    if (!credentials.access_key.empty() && !credentials.secret_key.empty())
        return;
    if (credentials.access_key.empty() != credentials.secret_key.empty())
        throw StagingError("S3 keys: profile '" + name
                           + "' has only one of aws_access_key_id and aws_secret_access_key");
    for (const char* other : {"sso_session", "sso_start_url", "role_arn", "credential_process"})
        if (profile.count(other))
            throw StagingError("S3 keys: profile '" + name + "' gets its keys by " + other
                               + ", which klio does not do; run: eval \"$(aws configure "
                                 "export-credentials --profile '"
                               + name + "' --format env)\"");
}

} // namespace

std::string process_environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

double parse_iso_time(const std::string& text)
{
    std::tm parts {};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest)
        return 0;
    const double utc = double(timegm(&parts));
    if (*rest == '.') // fractions of a second do not matter here
        while (*++rest >= '0' && *rest <= '9') { }
    if (*rest != '+' && *rest != '-')
        return utc;
    const double sign = *rest == '+' ? -1 : 1;
    int hours = 0, minutes = 0;
    if (std::sscanf(rest + 1, "%2d:%2d", &hours, &minutes) < 1)
        return 0;
    return utc + sign * (hours * 3600 + minutes * 60);
}

AwsSettings find_aws_settings(const std::string& asked, const Environment& environment)
{
    const std::string home = environment("HOME") + "/.aws/";
    const std::string credentials_path
        = first_of({environment("AWS_SHARED_CREDENTIALS_FILE"), home + "credentials"});
    const std::string config_path = first_of({environment("AWS_CONFIG_FILE"), home + "config"});
    const std::string name = first_of({asked, environment("AWS_PROFILE"), "default"});
    Profiles profiles = read_profiles(config_path);
    for (const auto& [section, profile] : read_profiles(credentials_path))
        for (const auto& [key, value] : profile)
            profiles[section][key] = value;
    const bool known = profiles.count(name) != 0;
    const Profile profile = known ? profiles[name] : Profile();

    AwsSettings settings;
    settings.region = first_of({environment("AWS_REGION"), environment("AWS_DEFAULT_REGION"),
                                value_of(profile, "region")});
    if (!asked.empty()) // who names a profile means its region too
        settings.region = first_of({value_of(profile, "region"), settings.region});
    settings.endpoint
        = first_of({environment("AWS_ENDPOINT_URL_S3"), environment("AWS_ENDPOINT_URL"),
                    value_of(profile, "endpoint_url")});

    sigv4::Credentials& credentials = settings.credentials;
    const std::string access = environment("AWS_ACCESS_KEY_ID");
    const std::string secret = environment("AWS_SECRET_ACCESS_KEY");
    if (asked.empty() && (!access.empty() || !secret.empty())) {
        if (access.empty() || secret.empty())
            throw StagingError(std::string("S3 keys: ")
                               + (access.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY")
                               + " is not set, but its other half is");
        credentials.access_key = access;
        credentials.secret_key = base::Secret(secret);
        credentials.session_token = base::Secret(environment("AWS_SESSION_TOKEN"));
        credentials.expires_at = parse_iso_time(environment("AWS_CREDENTIAL_EXPIRATION"));
        credentials.origin = "environment AWS_ACCESS_KEY_ID";
        return settings;
    }
    if (!known && name != "default")
        throw StagingError("S3 keys: there is no profile '" + name + "' in " + credentials_path
                           + " or " + config_path);
    use_profile(profile, name, settings);
    if (credentials.access_key.empty())
        throw StagingError("S3 keys: none found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                           "or AWS_PROFILE with a profile in "
                           + credentials_path);
    return settings;
}

} // namespace klio::staging
