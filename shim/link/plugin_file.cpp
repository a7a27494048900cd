#include "link/plugin_file.h"

#include <nlohmann/json.hpp>

#include "link/private_files.h"

namespace stembridge::link {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kFileBytes = 16384;
constexpr std::size_t kArguments = 64;

// Text that the operating system takes as it is.
bool isArgument(const Json& value) {
    return value.is_string() && value.get_ref<const std::string&>().find('\0') == std::string::npos;
}

bool isCommand(const Json& value) {
    if (!value.is_array() || value.empty() || value.size() > kArguments) {
        return false;
    }
    for (const Json& argument : value) {
        if (!isArgument(argument)) {
            return false;
        }
    }
    return std::filesystem::path(value[0].get<std::string>()).is_absolute();
}

bool isFile(const Json& value) {
    return isArgument(value) && std::filesystem::path(value.get<std::string>()).is_absolute();
}

}  // namespace

Outcome<PluginFile> parsePluginFile(const std::string& content, const std::filesystem::path& file) {
    const Json found = Json::parse(content, nullptr, false);
    const Problem damaged{file.string() + " is damaged; run `stembridge plugin install` again"};
    if (!found.is_object()) {
        return damaged;
    }
    PluginFile result;
    if (const auto command = found.find("command"); command != found.end()) {
        if (!isCommand(*command)) {
            return damaged;
        }
        result.command = command->get<std::vector<std::string>>();
    }
    if (const auto connection = found.find("connection"); connection != found.end()) {
        if (!isFile(*connection)) {
            return damaged;
        }
        result.connection = connection->get<std::string>();
    }
    return result;
}

Outcome<PluginFile> readPluginFile(const std::filesystem::path& configFolder) {
    const std::filesystem::path file = configFolder / "plugin.json";
    const Outcome<std::string> content = readPrivate(file, kFileBytes, true);
    if (content) {
        return parsePluginFile(*content, file);
    }
    return content.problem().absent ? Outcome<PluginFile>(PluginFile{}) : content.problem();
}

}  // namespace stembridge::link
