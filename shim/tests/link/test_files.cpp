/// Files that nobody else may change, locks and folders.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "link/folders.h"
#include "link/private_files.h"

using namespace stembridge::link;

TEST_CASE("a private file is read, and nothing else") {
    const Folder folder;
    const auto file = folder.write("file", "content");
    REQUIRE(readPrivate(file, 7, true));
    CHECK(*readPrivate(file, 7, true) == "content");
    CHECK_FALSE(readPrivate(file, 6, true));
    CHECK(readPrivate(folder.path() / "none", 9, true).problem().absent);

    folder.write("file", "content", 0644);
    CHECK(readPrivate(file, 9, false));
    CHECK(readPrivate(file, 9, true).problem().text.find("chmod 600") != std::string::npos);
    folder.write("file", "content", 0620);
    CHECK_FALSE(readPrivate(file, 9, false));

    folder.write("file", "content");
    std::filesystem::create_symlink(file, folder.path() / "link");
    CHECK(readPrivate(folder.path() / "link", 9, true).problem().text.find("a link") !=
          std::string::npos);
    REQUIRE(mkfifo((folder.path() / "pipe").c_str(), 0600) == 0);
    CHECK_FALSE(readPrivate(folder.path() / "pipe", 9, true));  // and does not wait
    CHECK_FALSE(readPrivate(folder.path(), 9, true));
    if (geteuid() == 0) {
        REQUIRE(chown(file.c_str(), 65534, 65534) == 0);
        CHECK(readPrivate(file, 9, true).problem().text.find("belongs to user 65534") !=
              std::string::npos);
    }
}

TEST_CASE("a private folder is made, and one of others is not used") {
    const Folder folder;
    const auto made = folder.path() / "a" / "b";
    CHECK_FALSE(makePrivateFolder(made));
    CHECK_FALSE(makePrivateFolder(made));
    CHECK((std::filesystem::status(made).permissions() & std::filesystem::perms::all) ==
          std::filesystem::perms::owner_all);
    chmod(made.c_str(), 0755);
    CHECK(makePrivateFolder(made));
    chmod(made.c_str(), 0700);
    chmod(made.parent_path().c_str(), 0777);
    CHECK(makePrivateFolder(made));
    std::filesystem::create_directory_symlink(made, folder.path() / "link");
    CHECK(makePrivateFolder(folder.path() / "link"));
    CHECK(makePrivateFolder(folder.path() / "link" / ""));
    CHECK(makePrivateFolder(folder.write("file", "")));
}

TEST_CASE("a lock is held once") {
    const Folder folder;
    const auto file = folder.path() / "lock";
    FileLock first;
    FileLock second;
    CHECK(first.take(file));
    CHECK_FALSE(second.take(file));
    first.release();
    CHECK(second.take(file));
    { FileLock third; CHECK_FALSE(third.take(file)); }
    CHECK_FALSE(first.take(file));
    CHECK_FALSE(first.take(folder.path() / "none" / "lock"));
}

TEST_CASE("folders are where the variables say") {
    setenv("STEMBRIDGE_CONFIG_DIR", "/x/config", 1);
    setenv("STEMBRIDGE_RUNTIME_DIR", "/x/runtime", 1);
    CHECK(userFolders().config == "/x/config");
    CHECK(userFolders().runtime == "/x/runtime");
    unsetenv("STEMBRIDGE_CONFIG_DIR");
    unsetenv("STEMBRIDGE_RUNTIME_DIR");
    const Folder folder;
    setenv("XDG_CONFIG_HOME", "/x/config", 1);
    setenv("XDG_RUNTIME_DIR", folder.path().c_str(), 1);
    CHECK(userFolders().config == "/x/config/stembridge");
    CHECK(userFolders().runtime == folder.path() / "stembridge");
    chmod(folder.path().c_str(), 0755);
    CHECK(userFolders().runtime != folder.path() / "stembridge");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    CHECK(userFolders().config.is_absolute());
    unsetenv("XDG_CONFIG_HOME");
    unsetenv("XDG_RUNTIME_DIR");
}
