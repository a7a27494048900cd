/// CONFIG/plugin.json, which `stembridge plugin install` writes: what the user allows the plug-in.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "link/outcome.h"

namespace stembridge::link {

/// `command`: starts the sidecar; absolute program, arguments, no shell. It may go on as the sidecar
/// or end with status 0 once the sidecar is on its way. Empty: starting is not allowed.
/// `connection`: the copied connection file of a server elsewhere, to be used instead of the one on
/// this machine; empty for that.
struct PluginFile {
    std::vector<std::string> command;
    std::filesystem::path connection;
};

/// What `content`, the text of `file`, says. Any text may come. Any thread.
Outcome<PluginFile> parsePluginFile(const std::string& content, const std::filesystem::path& file);

/// What the user allows. Nothing, where there is no file; a problem where others may read or change
/// it, or it is damaged. Link thread.
Outcome<PluginFile> readPluginFile(const std::filesystem::path& configFolder);

}  // namespace stembridge::link
