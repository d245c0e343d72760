#include "command.h"
#include "option_flags.h"

#include "base/file.h"
#include "base/json.h"

#include <klio/prepare.h>
#include <klio/recipe_options.h>
#include <klio/record.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#ifdef __linux__
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace klio::command {

namespace {

struct Arguments {
    std::vector<std::string> files;
    std::string out = ".";
    bool force = false;
    std::map<std::string, std::string> given; ///< options of a recipe, as flags
    PrepareOptions options;
};

struct Result {
    std::optional<Prepared> prepared;
    std::exception_ptr failure;
    bool done = false;
};

std::string ending(const Prepared& prepared)
{
    return prepared.media_type == "image/png" ? ".png" : ".jpg";
}

// Names without a folder and an ending; where two sources share one, the later gets a number.
std::vector<std::string> output_names(const Arguments& arguments)
{
    std::vector<std::string> names;
    for (const std::string& file : arguments.files) {
        std::string name = base::file_name(file);
        const size_t dot = name.rfind('.');
        if (dot != std::string::npos && dot > 0)
            name.resize(dot);
        const std::string plain = name;
        for (int i = 2; std::find(names.begin(), names.end(), name) != names.end(); ++i)
            name = plain + "-" + std::to_string(i);
        names.push_back(name);
    }
    return names;
}

std::string describe(const PrepareRecord& record)
{
    const ColorRecord& color = record.color;
    char text[256];
    std::string line
        = "  colour: " + color.source_space + " (" + color.decided_by + ") -> " + color.policy;
    if (color.policy == "view")
        line += " " + color.display + " / " + color.view;
    if (color.policy == "icc")
        line += " " + color.icc_profile;
    if (color.policy == "compress") {
        std::snprintf(text, sizeof text, ", peak %g", color.peak);
        line += text;
    }
    if (color.exposure != 0) {
        std::snprintf(text, sizeof text, ", exposure %+g stops", color.exposure);
        line += text;
    }
    if (color.clipped > 0) {
        std::snprintf(text, sizeof text, ", %.2g %% clipped", color.clipped * 100);
        line += text;
    }
    line += "; config " + color.config;
    std::snprintf(text, sizeof text, "\n  %s: %gx%g+%g+%g of %dx%d", record.fit.c_str(),
                  record.crop_width, record.crop_height, record.crop_x, record.crop_y,
                  record.source_width, record.source_height);
    line += text;
    if (record.orientation != 1)
        line += ", EXIF orientation " + std::to_string(record.orientation) + " applied";
    return line;
}

void report(const Context& context, const std::string& source, const std::string& path,
            const Prepared& prepared)
{
    for (const std::string& warning : prepared.warnings)
        warn(warning);
    const PrepareRecord record = prepare_record_from_json(prepared.record);
    print_line(context,
               source + " -> " + path + ": " + std::to_string(prepared.width) + "x"
                   + std::to_string(prepared.height) + " " + record.codec
                   + (record.quality ? " " + std::to_string(record.quality) : "") + ", "
                   + std::to_string(prepared.bytes.size()) + " bytes");
    print_line(context, describe(record));
    base::OrderedJson json = {{"event", "prepared"},
                              {"source", source},
                              {"path", path},
                              {"media_type", prepared.media_type},
                              {"width", prepared.width},
                              {"height", prepared.height},
                              {"bytes", prepared.bytes.size()},
                              {"sha256", prepared.sha256},
                              {"warnings", prepared.warnings}};
    json["record"] = base::OrderedJson::parse(prepared.record);
    print_json(context, base::to_text(json));
}

// Loading OpenImageIO's more than two hundred libraries has touched about 80 MB of their pages that
// are only read, and that their files can give again: symbol tables, relocations, code. They are
// let go, so that the peak of memory is the start's own and pictures fit below it. Relocations are
// never needed again; giving back `all` costs some 50 ms of finding other pages anew, so it is kept
// for pictures whose colours are decided by their light, which are held in floats.
void release_loader_pages(bool all)
{
#ifdef __linux__
    static const size_t page = size_t(sysconf(_SC_PAGESIZE));
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* everything) {
            const auto release = [](size_t begin, size_t end) {
                begin = (begin + page - 1) / page * page;
                end = end / page * page;
                if (end > begin)
                    madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
            };
            size_t relocations = 0, relocation_bytes = 0;
            bool relocated_text = false;
            for (int i = 0; i < info->dlpi_phnum; ++i) {
                if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
                    continue;
                const auto* entry = reinterpret_cast<const ElfW(Dyn)*>(
                    info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
                for (; entry->d_tag != DT_NULL; ++entry) {
                    relocated_text = relocated_text || entry->d_tag == DT_TEXTREL;
                    if (entry->d_tag == DT_RELA)
                        relocations = entry->d_un.d_ptr;
                    if (entry->d_tag == DT_RELASZ)
                        relocation_bytes = entry->d_un.d_val;
                }
            }
            for (int i = 0; i < info->dlpi_phnum && !relocated_text; ++i) {
                const ElfW(Phdr)& part = info->dlpi_phdr[i];
                if (part.p_type != PT_LOAD || (part.p_flags & PF_W))
                    continue;
                const size_t begin = info->dlpi_addr + part.p_vaddr;
                const size_t end = begin + part.p_memsz;
                if (everything)
                    release(begin, end);
                else if (relocations >= begin && relocations + relocation_bytes <= end)
                    release(relocations, relocations + relocation_bytes);
            }
            return 0;
        },
        all ? &all : nullptr);
#else
    (void)all;
#endif
}

// Files are prepared side by side, and written and reported in the order in which they were given.
void prepare_all(Context& context, Arguments arguments)
{
    const PrepareOptions& asked = arguments.options;
    release_loader_pages(asked.policy.empty() || asked.policy == "compress"
                         || asked.exposure == "auto");
    base::make_folders(arguments.out);
    const std::vector<std::string> names = output_names(arguments);
    const size_t count = arguments.files.size();
    int threads = arguments.options.threads > 0 ? arguments.options.threads
                                                : int(std::thread::hardware_concurrency());
    threads = std::max(1, threads);
    const size_t workers = std::min<size_t>(count, size_t(threads));
    PrepareOptions options = arguments.options;
    options.threads = std::max(1, threads / int(std::max<size_t>(1, workers)));

    std::vector<Result> results(count);
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<size_t> next {0};
    std::vector<std::thread> pool;
    size_t reported = 0;
    for (size_t i = 0; i < workers; ++i)
        pool.emplace_back([&] {
            for (size_t at; (at = next.fetch_add(1)) < count;) {
                {
                    // Bytes that wait to be written would add up otherwise.
                    std::unique_lock<std::mutex> lock(mutex);
                    changed.wait(lock, [&] { return at < reported + workers + 1; });
                }
                Result result;
                try {
                    context.cancel.check("klio prepare");
                    result.prepared = prepare(arguments.files[at], options, context.cancel);
                } catch (...) {
                    result.failure = std::current_exception();
                }
                result.done = true;
                const std::lock_guard<std::mutex> lock(mutex);
                results[at] = std::move(result);
                changed.notify_all();
            }
        });

    std::exception_ptr failure;
    for (size_t at = 0; at < count; ++at) {
        Result result;
        {
            std::unique_lock<std::mutex> lock(mutex);
            changed.wait(lock, [&] { return results[at].done; });
            result = std::move(results[at]);
        }
        try {
            if (result.failure)
                std::rethrow_exception(result.failure);
            const std::string path
                = base::join_path(arguments.out, names[at] + ending(*result.prepared));
            if (base::exists(path) && !arguments.force)
                throw OutputError(path + ": is there already; --force overwrites it");
            base::write_file_atomic(path, result.prepared->bytes);
            base::write_file_atomic(base::join_path(arguments.out, names[at] + ".json"),
                                    result.prepared->record + "\n");
            report(context, arguments.files[at], path, *result.prepared);
        } catch (...) {
            // One bad file does not stop the others; the last word is the first failure's.
            try {
                throw;
            } catch (const CancelledError&) {
                failure = std::current_exception();
            } catch (const Error& error) {
                if (failure || at + 1 < count)
                    warn(std::string(error.what()));
                if (!failure)
                    failure = std::current_exception();
            } catch (...) {
                // Not before the threads have ended.
                if (!failure)
                    failure = std::current_exception();
            }
        }
        const std::lock_guard<std::mutex> lock(mutex);
        reported = at + 1;
        changed.notify_all();
    }
    for (std::thread& worker : pool)
        worker.join();
    if (failure)
        std::rethrow_exception(failure);
}

void add_prepare(CLI::App& app, Context& context)
{
    auto* command = app.add_subcommand(
        "prepare", "write the bytes that the model would be shown, with the record of each");
    auto arguments = std::make_shared<Arguments>();
    PrepareOptions& options = arguments->options;
    command->add_option("FILES", arguments->files, "images of any kind that OpenImageIO reads")
        ->required();
    command->add_option("--out", arguments->out, "folder to write to (default: this one)");
    command->add_flag("--force", arguments->force, "overwrite what is there");
    command->add_option("--aspect-ratio", options.aspect_ratio,
                        "1:1 16:9 9:16 4:3 3:4 3:2 2:3 21:9, or auto: the nearest (default)");
    command->add_option("--resolution", options.resolution, "1k (default) or 2k");
    add_option_flags(*command, arguments->given, "Options", prepare_option_names());
    add_option_flags(*command, arguments->given, "Options", {"fit"});
    command->add_option("--threads", options.threads, "default: one for each core");
    command->footer("Example: klio prepare plate.exr still.jpg --aspect-ratio 16:9 --resolution 2k "
                    "--out prep --json");
    command->callback([&context, arguments] {
        GenerateOptions generate;
        FrameOptions frame;
        std::vector<Problem> problems;
        apply_options(arguments->given, generate, frame, problems);
        // Here there are no frames, so a fit that is none of the references' is a slip.
        if (!frame.fit.empty())
            generate.prepare.fit = frame.fit;
        generate.prepare.aspect_ratio = arguments->options.aspect_ratio;
        generate.prepare.resolution = arguments->options.resolution;
        generate.prepare.threads = arguments->options.threads;
        for (Problem& problem : validate(generate.prepare))
            problems.push_back(std::move(problem));
        if (!problems.empty())
            throw RequestError(std::move(problems));
        arguments->options = generate.prepare;
        prepare_all(context, *arguments);
    });
}

const RegisterCommand registered(30, add_prepare);

} // namespace

} // namespace klio::command
