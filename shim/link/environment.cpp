// Which variables of the host a sidecar gets. Hosts point LD_LIBRARY_PATH, PYTHONHOME and the like
// to what they bring along, with which another program does not run; so only these are handed on.
#include <algorithm>
#include <array>
#include <string_view>

#include "link/process.h"

namespace stembridge::link {
namespace {

constexpr std::array<std::string_view, 34> kNames{
    "HOME",          "USER",           "LOGNAME",         "LANG",
    "LC_ALL",        "LC_CTYPE",       "TZ",              "TMPDIR",
    "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",  "XDG_RUNTIME_DIR",
    "HTTP_PROXY",    "HTTPS_PROXY",    "ALL_PROXY",       "NO_PROXY",
    "http_proxy",    "https_proxy",    "all_proxy",       "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR",   "REQUESTS_CA_BUNDLE", "TORCH_HOME",
    // Windows
    "SYSTEMROOT",    "SYSTEMDRIVE",    "WINDIR",          "APPDATA",
    "LOCALAPPDATA",  "USERPROFILE",    "PROGRAMDATA",     "TEMP",
    "TMP",           "NUMBER_OF_PROCESSORS"};
constexpr std::array<std::string_view, 4> kPrefixes{"STEMBRIDGE_", "HF_", "CUDA_", "NVIDIA_"};

}  // namespace

bool isForSidecar(const std::string& name) {
    return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
           std::any_of(kPrefixes.begin(), kPrefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace stembridge::link
