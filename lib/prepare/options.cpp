#include "prepare/options.h"

#include "base/encoding.h"
#include "base/json.h"
#include "request/model.h"

#include <klio/error.h>
#include <klio/request.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <thread>

namespace klio {

namespace prep {

namespace {

// Raise it with every change that gives other bytes for the same input and options, so that
// memos of earlier builds are not taken for what this one would make.
constexpr int bytes_version = 2;

using Problems = std::vector<Problem>;

// `value`, or empty where it is none of `values`, which is a problem.
std::string one_of(const std::string& name, const std::string& value,
                   const std::vector<std::string>& values, Problems& problems)
{
    if (std::find(values.begin(), values.end(), value) != values.end())
        return value;
    std::string list;
    for (const std::string& each : values)
        list += (list.empty() ? "" : ", ") + each;
    const std::string near = base::nearest(value, values);
    problems.push_back(
        {name, value,
         "must be one of " + list + (near.empty() ? "" : "; did you mean " + near + "?")});
    return {};
}

// A whole text as one finite number.
bool number(const std::string& text, double& value)
{
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);
    return !text.empty() && *end == '\0' && std::isfinite(value);
}

Gravity parse_gravity(const std::string& text, Problems& problems)
{
    using Kind = Gravity::Kind;
    static const std::pair<const char*, Kind> names[]
        = {{"", Kind::center},     {"center", Kind::center},      {"centre", Kind::center},
           {"top", Kind::top},     {"bottom", Kind::bottom},      {"left", Kind::left},
           {"right", Kind::right}, {"attention", Kind::attention}};
    Gravity gravity;
    for (const auto& [name, kind] : names)
        if (text == name) {
            gravity.kind = kind;
            return gravity;
        }
    int end = 0;
    if (std::sscanf(text.c_str(), "%lfx%lf%lf%lf%n", &gravity.width, &gravity.height, &gravity.x,
                    &gravity.y, &end)
            == 4
        && size_t(end) == text.size() && gravity.width > 0 && gravity.height > 0
        && std::isfinite(gravity.width + gravity.height + gravity.x + gravity.y)) {
        gravity.kind = Kind::rectangle;
        return gravity;
    }
    end = 0;
    if (std::sscanf(text.c_str(), "%lf,%lf%n", &gravity.x, &gravity.y, &end) == 2
        && size_t(end) == text.size() && std::isfinite(gravity.x + gravity.y)) {
        gravity.kind = Kind::point;
        return gravity;
    }
    problems.push_back({"gravity", text,
                        "must be center, top, bottom, left, right, attention, a point x,y or a "
                        "rectangle WxH+X+Y in pixels of the source"});
    return {};
}

void parse_matte(const std::string& text, Options& out, Problems& problems)
{
    if (text == "unpremult") {
        out.matte_kind = Matte::unpremult;
        return;
    }
    if (text.empty() || text == "black")
        return;
    if (text == "white") {
        std::fill_n(out.matte, 3, 1.0f);
        return;
    }
    int end = 0;
    const int found
        = std::sscanf(text.c_str(), "%f,%f,%f%n", out.matte, out.matte + 1, out.matte + 2, &end);
    if (found != 3 || size_t(end) != text.size()
        || !std::isfinite(out.matte[0] + out.matte[1] + out.matte[2]))
        problems.push_back({"matte", text,
                            "must be r,g,b in the source's colour space, black, white, or "
                            "unpremult"});
}

} // namespace

const char* to_string(Fit fit)
{
    return fit == Fit::crop ? "crop" : fit == Fit::pad ? "pad" : "none";
}

namespace {

Options parse(const PrepareOptions& in, Problems& problems)
{
    Options out;
    std::vector<std::string> ratios = aspect_ratios();
    ratios.emplace_back("auto");
    out.aspect_ratio = one_of("aspect_ratio", in.aspect_ratio.empty() ? "auto" : in.aspect_ratio,
                              ratios, problems);
    out.resolution = one_of("resolution", in.resolution.empty() ? "1k" : in.resolution,
                            kling::resolutions(), problems);
    out.from = in.from;
    if (!in.policy.empty())
        out.policy = one_of("policy", in.policy, {"texture", "view", "compress"}, problems);
    out.display = in.display;
    out.view = in.view;
    if (out.policy.empty() && (!in.view.empty() || !in.display.empty()))
        out.policy = "view";
    out.image_view = in.image_view;
    out.auto_exposure = in.exposure == "auto";
    if (!in.exposure.empty() && !out.auto_exposure
        && (!number(in.exposure, out.exposure) || std::fabs(out.exposure) > 32))
        problems.push_back(
            {"exposure", in.exposure, "must be stops from -32 to 32, as in -2.5, or auto"});
    if (!in.peak.empty() && in.peak != "auto" && (!number(in.peak, out.peak) || out.peak < 1))
        problems.push_back({"peak", in.peak, "must be a scene-linear value of 1 or more, or auto"});
    const std::string fit
        = one_of("fit", in.fit.empty() ? "crop" : in.fit, {"crop", "pad", "none"}, problems);
    out.fit = fit == "pad" ? Fit::pad : fit == "none" ? Fit::none : Fit::crop;
    out.gravity = parse_gravity(in.gravity, problems);
    if (in.codec == "jpg")
        out.codec = "jpeg";
    else if (!in.codec.empty() && in.codec != "auto")
        out.codec = one_of("codec", in.codec, {"jpeg", "png", "auto"}, problems);
    out.quality = in.quality;
    if (in.quality < 1 || in.quality > 100)
        problems.push_back({"quality", std::to_string(in.quality), "must be 1 to 100"});
    parse_matte(in.matte, out, problems);
    if (in.threads < 0)
        problems.push_back({"threads", std::to_string(in.threads), "must be 0 or more"});
    out.threads
        = in.threads > 0 ? std::min(in.threads, 256) : int(std::thread::hardware_concurrency());
    out.threads = std::max(out.threads, 1);
    return out;
}

} // namespace

Options parse_options(const PrepareOptions& options)
{
    Problems problems;
    Options out = parse(options, problems);
    if (!problems.empty())
        throw RequestError(std::move(problems));
    return out;
}

} // namespace prep

std::vector<Problem> validate(const PrepareOptions& options)
{
    prep::Problems problems;
    prep::parse(options, problems);
    return problems;
}

void check(const Request& request, const PrepareOptions& options)
{
    std::vector<Problem> problems = validate(request);
    PrepareOptions own = options;
    own.aspect_ratio.clear();
    own.resolution.clear();
    for (Problem& problem : validate(own))
        problems.push_back(std::move(problem));
    if (!problems.empty())
        throw RequestError(std::move(problems));
}

std::string prepare_identity(const PrepareOptions& options)
{
    // Options that mean the same give the same line; threads never change the bytes.
    const prep::Options parsed = prep::parse_options(options);
    base::Json json = {{"v", prep::bytes_version},
                       {"aspect_ratio", parsed.aspect_ratio},
                       {"resolution", parsed.resolution},
                       {"from", parsed.from},
                       {"policy", parsed.policy},
                       {"display", parsed.display},
                       {"view", parsed.view},
                       {"exposure", parsed.exposure},
                       {"auto_exposure", parsed.auto_exposure},
                       {"peak", parsed.peak},
                       {"fit", prep::to_string(parsed.fit)},
                       {"gravity",
                        {int(parsed.gravity.kind), parsed.gravity.x, parsed.gravity.y,
                         parsed.gravity.width, parsed.gravity.height}},
                       {"codec", parsed.codec},
                       {"quality", parsed.quality},
                       {"unpremult", parsed.matte_kind == prep::Matte::unpremult},
                       {"matte", {parsed.matte[0], parsed.matte[1], parsed.matte[2]}},
                       {"image_view", parsed.image_view}};
    return base::to_text(json);
}

} // namespace klio
