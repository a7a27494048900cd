// Windows has no modes; there, user folders are private.
#define NOMINMAX
#include <windows.h>

#include <fstream>

#include "link/private_files.h"

namespace stembridge::link {

using std::filesystem::path;

Outcome<std::string> readPrivate(const path& file, std::size_t limit, bool) {
    std::error_code error;
    const auto found = std::filesystem::symlink_status(file, error);
    if (!std::filesystem::exists(found)) {
        return Problem{file.string() + " is not there", true};
    }
    if (!std::filesystem::is_regular_file(found)) {
        return Problem{file.string() + " is no file itself; remove it"};
    }
    std::ifstream opened(file, std::ios::binary);
    std::string content(limit + 1, '\0');
    opened.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(opened.gcount()));
    if (content.size() > limit) {
        return Problem{file.string() + " has more than " + std::to_string(limit) +
                       " bytes and is not ours; remove it"};
    }
    return content;
}

std::optional<Problem> makePrivateFolder(const path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!std::filesystem::is_directory(folder)) {
        return Problem{folder.string() + " cannot be made: " + error.message() +
                       "; choose another folder by STEMBRIDGE_RUNTIME_DIR"};
    }
    return std::nullopt;
}

FileLock::~FileLock() { release(); }

bool FileLock::take(const path& file) {
    release();
    HANDLE opened = CreateFileW(file.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_ALWAYS,
                                FILE_ATTRIBUTE_NORMAL, nullptr);
    if (opened == INVALID_HANDLE_VALUE) {
        return false;
    }
    handle_ = reinterpret_cast<std::intptr_t>(opened);
    return true;
}

void FileLock::release() {
    if (handle_ != -1) {
        CloseHandle(reinterpret_cast<HANDLE>(handle_));
        handle_ = -1;
    }
}

}  // namespace stembridge::link
