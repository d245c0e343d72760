#include "job_text.h"

#include "base/json.h"
#include "base/secret.h"

#include <ctime>

namespace klio::command {

using base::OrderedJson;

std::string one_line(const std::string& text, size_t length)
{
    std::string line;
    size_t characters = 0;
    for (unsigned char c : text) {
        const bool starts = (c & 0xC0) != 0x80;
        if (starts && characters == length) {
            line += "...";
            break;
        }
        characters += starts;
        line += c < 32 || c == 127 ? ' ' : char(c);
    }
    return line;
}

std::string time_text(double unix_time)
{
    const auto seconds = std::time_t(unix_time);
    std::tm parts {};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    return text;
}

std::string state_text(const JobInfo& job)
{
    std::string text = to_string(job.set.state);
    if (job.running)
        text += " (running)";
    else if (job.set.state == JobState::failed)
        text += std::string(" (") + to_string(job.set.error_kind) + ")";
    if (job.damaged)
        text += ", damaged";
    return text;
}

std::string credits_text(const JobInfo& job)
{
    const int64_t total = job.cost.total();
    if (total > 0)
        return ">=" + std::to_string(total);
    return job.cost.unpriced > 0 ? "?" : "0";
}

std::string counted(int64_t count, const std::string& thing)
{
    return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::vector<std::string> masked(std::vector<std::string> lines)
{
    for (std::string& line : lines)
        line = base::mask(line);
    return lines;
}

std::string job_json(const JobInfo& job)
{
    const StoredSet& set = job.set;
    OrderedJson json = {{"event", "job"}, {"job", set.job}, {"state", to_string(set.state)}};
    json["running"] = job.running;
    json["damaged"] = job.damaged;
    if (set.error_kind != ErrorKind::internal)
        json["kind"] = to_string(set.error_kind);
    if (!set.message.empty())
        json["message"] = base::mask(set.message);
    json["task_id"] = set.task_id;
    json["endpoint"] = set.endpoint;
    json["attempts"] = job.attempts;
    json["price_known"] = set.price_known;
    json["credits_at_least"] = job.cost.total();
    json["unknown"] = job.cost.unknown;
    json["created_at"] = set.created_at;
    json["updated_at"] = set.updated_at;
    const Request& request = set.request;
    json["request"] = {{"model", request.model},
                       {"prompt", request.prompt},
                       {"type", request.type},
                       {"aspect_ratio", request.aspect_ratio},
                       {"resolution", request.resolution},
                       {"num_images", request.num_images},
                       {"take", request.take}};
    json["references"] = OrderedJson::array();
    for (const StoredReference& reference : set.references)
        json["references"].push_back(
            {{"source", base::mask(reference.source)}, {"id", base::mask(reference.id)}});
    json["frames"] = OrderedJson::array();
    for (const StoredFrame& frame : set.frames)
        json["frames"].push_back({{"index", frame.index},
                                  {"path", frame.path},
                                  {"sha256", frame.sha256},
                                  {"media_type", frame.media_type},
                                  {"bytes", frame.bytes},
                                  {"width", frame.width},
                                  {"height", frame.height},
                                  {"channels", frame.channels},
                                  {"bit_depth", frame.bit_depth}});
    json["warnings"] = masked(set.warnings);
    return base::to_text(json);
}

std::string cost_json(const std::string& name, const std::string& label, const Cost& cost)
{
    return base::to_text(OrderedJson {{"event", "cost"},
                                      {name, label},
                                      {"at_least", cost.total()},
                                      {"spent", cost.spent},
                                      {"reserved", cost.reserved},
                                      {"unknown", cost.unknown},
                                      {"unpriced", cost.unpriced}});
}

} // namespace klio::command
