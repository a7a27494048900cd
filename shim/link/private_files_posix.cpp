#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "link/private_files.h"

namespace stembridge::link {
namespace {

using std::filesystem::path;

constexpr mode_t kOthersMayRead = 077;
constexpr mode_t kOthersMayWrite = 022;

// An open file, closed when it goes.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return number_; }

private:
    int number_;
};

Problem failure(const path& file, int error) {
    return {file.string() + " cannot be used: " + std::generic_category().message(error) +
                "; make room there, or choose another folder by STEMBRIDGE_CONFIG_DIR or "
                "STEMBRIDGE_RUNTIME_DIR",
            error == ENOENT};
}

std::optional<Problem> check(const struct stat& found, const path& file, mode_t others,
                             bool folder) {
    if (folder ? !S_ISDIR(found.st_mode) : !S_ISREG(found.st_mode)) {
        return Problem{file.string() + " is no " + (folder ? "folder" : "file") +
                       " itself; remove it"};
    }
    if (found.st_uid != geteuid()) {
        return Problem{file.string() + " belongs to user " + std::to_string(found.st_uid) +
                       ", and not to you (user " + std::to_string(geteuid()) + "); remove it"};
    }
    if ((found.st_mode & others) != 0) {
        return Problem{file.string() + " is open to other users; if you trust what is in it, `chmod " +
                       (folder ? "700 " : "600 ") + file.string() + "`, else remove it"};
    }
    return std::nullopt;
}

Outcome<std::string> readAll(int number, const path& file, std::size_t limit) {
    std::string content;
    std::array<char, 4096> piece{};
    while (content.size() <= limit) {
        const ssize_t count = ::read(number, piece.data(), piece.size());
        if (count == 0) {
            return content;
        }
        if (count < 0 && errno != EINTR) {
            return failure(file, errno);
        }
        content.append(piece.data(), count < 0 ? 0 : static_cast<std::size_t>(count));
    }
    return Problem{file.string() + " has more than " + std::to_string(limit) +
                   " bytes and is not ours; remove it"};
}

}  // namespace

Outcome<std::string> readPrivate(const path& file, std::size_t limit, bool secret) {
    // Without O_NONBLOCK the opening of a pipe would wait for somebody to write to it. What is there
    // is looked at through the open file, so that it cannot be exchanged in between.
    const Descriptor opened(
        ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (opened.number() < 0) {
        return errno == ELOOP ? Problem{file.string() + " is a link; put the file itself there"}
                              : failure(file, errno);
    }
    struct stat found{};
    if (fstat(opened.number(), &found) != 0) {
        return failure(file, errno);
    }
    if (auto problem = check(found, file, secret ? kOthersMayRead : kOthersMayWrite, false)) {
        return *problem;
    }
    return readAll(opened.number(), file, limit);
}

std::optional<Problem> makePrivateFolder(const path& given) {
    path folder = std::filesystem::absolute(given).lexically_normal();
    if (!folder.has_filename()) {  // a slash at the end would have links followed
        folder = folder.parent_path();
    }
    path made;
    for (const path& part : folder) {
        made /= part;
        struct stat found{};
        if (stat(made.c_str(), &found) != 0 && mkdir(made.c_str(), 0700) != 0 && errno != EEXIST) {
            return failure(made, errno);
        }
    }
    struct stat found{};
    if (lstat(folder.c_str(), &found) != 0) {
        return failure(folder, errno);
    }
    if (auto problem = check(found, folder, kOthersMayRead, true)) {
        return problem;
    }
    const path parent = folder.parent_path();
    if (stat(parent.c_str(), &found) != 0) {
        return failure(parent, errno);
    }
    const bool exchangeable = (found.st_mode & S_IWOTH) != 0 && (found.st_mode & S_ISVTX) == 0;
    if ((found.st_uid != 0 && found.st_uid != geteuid()) || exchangeable) {
        return Problem{folder.string() + " could be exchanged by another user, who may write to " +
                       parent.string() + "; use a folder below your own"};
    }
    return std::nullopt;
}

FileLock::~FileLock() { release(); }

bool FileLock::take(const path& file) {
    release();
    const int number = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (number >= 0 && flock(number, LOCK_EX | LOCK_NB) == 0) {
        handle_ = number;
        return true;
    }
    if (number >= 0) {
        ::close(number);
    }
    return false;
}

void FileLock::release() {
    if (handle_ >= 0) {
        ::close(static_cast<int>(handle_));
        handle_ = -1;
    }
}

}  // namespace stembridge::link
