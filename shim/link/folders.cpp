#include "link/folders.h"

#include <cstdlib>

namespace stembridge::link {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

Folders userFolders() {
    Folders folders = usualFolders();
    if (const std::string given = environment("STEMBRIDGE_CONFIG_DIR"); !given.empty()) {
        folders.config = given;
    }
    if (const std::string given = environment("STEMBRIDGE_RUNTIME_DIR"); !given.empty()) {
        folders.runtime = given;
    }
    return folders;
}

}  // namespace stembridge::link
