/// Files and folders that nobody but their owner may change: as bridge/runtime/private.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "link/outcome.h"

namespace stembridge::link {

/// Content of a file of ours that nobody else may change, nor read if it is `secret`. A problem where
/// it is a link, is no file, belongs to another user, is open to others or has more than `limit`
/// bytes; `absent` where there is none. Never waits. Link thread.
Outcome<std::string> readPrivate(const std::filesystem::path& file, std::size_t limit, bool secret);

/// Makes `folder` with mode 0700 where it is not there yet, and checks it where it is. Link thread.
std::optional<Problem> makePrivateFolder(const std::filesystem::path& folder);

/// The right to do something that one process of the user does at a time, as long as this lives.
/// Nothing is left locked by a process that ends in any way.
class FileLock {
public:
    FileLock() = default;
    ~FileLock();
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;

    /// Takes the lock, at once or not at all. `file` is made where it is not there. Link thread.
    bool take(const std::filesystem::path& file);
    void release();

private:
    std::intptr_t handle_ = -1;
};

}  // namespace stembridge::link
