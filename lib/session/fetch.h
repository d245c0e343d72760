#pragma once

#include "service/client.h"
#include "session/call.h"
#include "store/jobs.h"

#include <set>
#include <string>
#include <vector>

/// \file
/// The pictures of an answer on their way into the store.

namespace klio::session {

/// What is still missing after a round of downloads.
struct Missing {
    std::set<int> indices; ///< 0-based
    ErrorKind kind = ErrorKind::network;
    std::string message; ///< of the first
};

/// True where the frame's file is there with the bytes that were stored.
bool frame_whole(const StoredFrame& frame);

/// Indices of `count` pictures of which no whole file is stored.
std::set<int> not_stored(const store::JobRecord& job, size_t count);

/// Downloads those of `all` that `missing` has, decodes each once, and stores it. What arrives
/// whole and yet is no picture that klio can read is kept as N.unreadable beside the frames, since
/// it was paid for, and stays missing.
///
/// A picture whose bytes are those of a damaged frame is that frame, wherever it stands. With
/// `renumbered`, `all` may have the pictures in another order than those that are stored: all are
/// downloaded and known by their bytes; so it is once a picture turns out to be a stored one of
/// another number. Throws StoreError.
void fetch(const Call& call, const store::JobRecord& job, service::Client& client,
           const std::vector<service::ResultImage>& all, bool renumbered, Missing& missing);

/// True where two answers name the same pictures in the same order; what signs a URL may differ.
bool same_pictures(const std::vector<service::ResultImage>& a,
                   const std::vector<service::ResultImage>& b);

} // namespace klio::session
