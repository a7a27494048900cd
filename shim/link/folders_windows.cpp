// Folders on Windows, as platformdirs 4.14 has them.
#include "link/folders.h"

namespace stembridge::link {

Folders usualFolders() {
    std::filesystem::path local = environment("LOCALAPPDATA");
    if (local.empty()) {
        local = std::filesystem::path(environment("USERPROFILE")) / "AppData" / "Local";
    }
    return {local / "stembridge", local / "Temp" / "stembridge"};
}

}  // namespace stembridge::link
