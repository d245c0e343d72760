#include "command.h"
#include "plugin_path.h"

#include "base/encoding.h"
#include "base/file.h"

#include <cstdlib>
#include <iostream>

namespace klio::command {

namespace {

std::string with_folder(const char* variable, const std::string& folder)
{
    const char* value = std::getenv(variable);
    const std::string before = value ? value : "";
    for (size_t start = 0; start <= before.size();) {
        const size_t end = std::min(before.find(':', start), before.size());
        if (before.compare(start, end - start, folder) == 0)
            return before;
        start = end + 1;
    }
    return before.empty() ? folder : folder + ":" + before;
}

void add_env(CLI::App& app, Context&)
{
    CLI::App* sub = app.add_subcommand(
        "env", "the shell lines that let OpenImageIO find the plugin: eval \"$(klio env)\"");
    sub->callback([] {
        const std::string folder = plugin_folder();
        if (folder.empty())
            throw Error(ErrorKind::internal,
                        "kling.imageio.so is not where this klio was built or installed to");
        // 2.4 and 2.5 read the first, 3.x the second; names of files are all that differ, so both
        // are always set.
        for (const char* variable : {"OIIO_LIBRARY_PATH", "OPENIMAGEIO_PLUGIN_PATH"})
            std::cout << "export " << variable << "="
                      << base::shell_quoted(with_folder(variable, folder)) << "\n";
        std::cout << std::flush;
    });
}

const RegisterCommand registered {80, add_env};

} // namespace

} // namespace klio::command
