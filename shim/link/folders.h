/// Where Stem Bridge keeps its own files, by the rules of each system: as bridge/runtime/folders.py.
#pragma once

#include <filesystem>
#include <string>

namespace stembridge::link {

/// The folders of one user. They need not exist.
struct Folders {
    std::filesystem::path config;   // plugin.json, keys
    std::filesystem::path runtime;  // connection.json, locks, the log of a sidecar that we started
};

/// Those of this user; STEMBRIDGE_CONFIG_DIR and STEMBRIDGE_RUNTIME_DIR move them. Any thread.
Folders userFolders();

/// Those of this user by the rules of the system alone. One file a system.
Folders usualFolders();

/// The value of an environment variable, "" where it is not set.
std::string environment(const char* name);

}  // namespace stembridge::link
