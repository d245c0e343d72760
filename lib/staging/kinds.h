#pragma once

#include "staging/setting.h"
#include "staging/stage.h"

#include <memory>

/// \file
/// The four ways, each made from its own kind of setting.

namespace klio::staging {

std::unique_ptr<Stage> make_inline_stage();
std::unique_ptr<Stage> make_folder_stage(const StageSetting& setting,
                                         transport::Transport& transport,
                                         const StageOptions& options);
std::unique_ptr<Stage> make_http_stage(const StageSetting& setting, transport::Transport& transport,
                                       const StageOptions& options);
std::unique_ptr<Stage> make_s3_stage(const StageSetting& setting, transport::Transport& transport,
                                     const StageOptions& options);

} // namespace klio::staging
