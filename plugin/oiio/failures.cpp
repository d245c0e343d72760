#include "failures.h"

#include "views.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/sha256.h"

#include <cmath>

namespace klio::oiio {

namespace {

std::string path_of(const Settings& settings, const std::string& key)
{
    return base::join_path(writable_view_folder(settings, "failures"),
                           base::sha256_hex(key).substr(0, 32) + ".json");
}

} // namespace

void throw_remembered(const Settings& settings, const std::string& key, double now, double seconds)
{
    double age = -1;
    ErrorKind kind = ErrorKind::internal;
    std::string message;
    try {
        const std::string path = path_of(settings, key);
        base::Json json;
        base::JsonError problem;
        if (!base::exists(path) || !base::parse_json(base::read_file(path, 1 << 16), json, problem)
            || !error_kind_from_string(json.at("kind").get<std::string>(), kind))
            return;
        age = now - json.at("time").get<double>();
        message = json.at("message").get<std::string>();
    } catch (const std::exception&) {
        return; // damaged by whatever hand: it is as if it were not there
    }
    if (age < 0 || age >= seconds)
        return;
    throw NotTried {kind,
                    message + " (tried " + std::to_string(int(age))
                        + " s ago; it is tried again in "
                        + std::to_string(int(std::ceil(seconds - age))) + " s at the earliest)"};
}

void remember_failure(const Settings& settings, const std::string& key, const Error& error,
                      double now) noexcept
{
    try {
        base::OrderedJson json = {{"time", now}, {"kind", to_string(error.kind())}};
        json["message"] = base::utf8_mended(base::mask(error.what()));
        base::write_file_atomic(path_of(settings, key), base::to_text(json), 0600);
    } catch (const std::exception&) {
        // As before: this process remembers by itself.
    }
}

} // namespace klio::oiio
