#pragma once

#include "base/sha256.h"
#include "store/jobs.h"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace klio::test {

/// A folder for one test, gone with it.
struct Folder {
    Folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "klio-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    std::string path;
};

/// A job that could be bought, whose key is made from `name`.
inline store::JobRecord job_record(const std::string& name)
{
    store::JobRecord job;
    job.set.job = base::sha256_hex(name);
    job.set.request.prompt = "prompt " + name;
    job.set.endpoint = job.url = "http://127.0.0.1:1";
    job.set.price_known = true;
    job.set.credits_at_least = 6;
    return job;
}

} // namespace klio::test
