// Folders on Linux and macOS, as platformdirs 4.14 has them.
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "link/folders.h"

namespace stembridge::link {
namespace {

using std::filesystem::path;

path home() {
    if (const std::string given = environment("HOME"); !given.empty()) {
        return given;
    }
    std::array<char, 4096> space{};
    passwd entry{};
    passwd* found = nullptr;
    getpwuid_r(getuid(), &entry, space.data(), space.size(), &found);
    return found == nullptr ? "/" : found->pw_dir;
}

// An XDG folder; a relative one counts as not set.
path given(const char* name) {
    const path found = environment(name);
    return found.is_absolute() ? found : path();
}

// Whether nobody but the user has anything to say in `folder` itself.
bool isOurs(const path& folder) {
    struct stat found{};
    return lstat(folder.c_str(), &found) == 0 && S_ISDIR(found.st_mode) &&
           found.st_uid == geteuid() && (found.st_mode & 0777) == 0700;
}

// Whether every folder above it is out of reach for other users.
bool isSafelyPlaced(const path& folder) {
    bool shared = false;
    path above = folder.root_path();
    for (const path& part : folder.parent_path().relative_path()) {
        above /= part;
        struct stat found{};
        if (lstat(above.c_str(), &found) != 0) {
            return true;
        }
        if (shared && found.st_uid != 0 && found.st_uid != geteuid()) {
            return false;
        }
        if (stat(above.c_str(), &found) != 0) {
            return true;
        }
        shared = (found.st_mode & S_IWOTH) != 0;
        if (shared && (found.st_mode & S_ISVTX) == 0) {
            return false;
        }
    }
    return true;
}

#ifdef __APPLE__

path usualRuntime() { return home() / "Library/Caches/TemporaryItems"; }
path usualConfig() { return home() / "Library/Application Support"; }

#else

path usualRuntime() {
    const std::string user = std::to_string(geteuid());
    const path system = "/run/user/" + user;
    if (isOurs(system)) {
        return system;
    }
    std::error_code ignored;
    return std::filesystem::temp_directory_path(ignored) / ("runtime-" + user);
}

path usualConfig() { return home() / ".config"; }

#endif

}  // namespace

Folders usualFolders() {
    const path config = given("XDG_CONFIG_HOME");
    path runtime = given("XDG_RUNTIME_DIR");
    std::error_code ignored;
    const bool exists = std::filesystem::exists(std::filesystem::symlink_status(runtime, ignored));
    if (runtime.empty() || (exists && !isOurs(runtime)) || !isSafelyPlaced(runtime)) {
        runtime = usualRuntime();
    }
    return {(config.empty() ? usualConfig() : config) / "stembridge", runtime / "stembridge"};
}

}  // namespace stembridge::link
