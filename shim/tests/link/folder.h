/// A private folder of a test, and files in it.
#pragma once

#include <filesystem>
#include <string>

/// Removed with all that is in it. Its path is short enough for sockets.
class Folder {
public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const std::filesystem::path& path() const { return path_; }
    /// Writes a file of mode `mode`; returns its path.
    std::filesystem::path write(const std::string& name, const std::string& content,
                                unsigned mode = 0600) const;
    std::string read(const std::string& name) const;

private:
    std::filesystem::path path_;
};

/// Entries of a folder, such as the threads in /proc/self/task.
std::size_t countOf(const std::filesystem::path& folder);
