#pragma once

#include <cstdlib>
#include <string>

#include "folder.h"

/// Where instances look for a sidecar, as long as it lives: `r` in `folder`.
class Runtime {
public:
    explicit Runtime(const Folder& folder) : before_(std::getenv(kName)) {
        setenv(kName, (folder.path() / "r").c_str(), 1);
    }
    ~Runtime() { setenv(kName, before_.c_str(), 1); }

private:
    static constexpr const char* kName = "STEMBRIDGE_RUNTIME_DIR";

    std::string before_;
};
