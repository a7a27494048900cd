/// One thread and one ZeroMQ context for all clients of a process.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "link/folders.h"
#include "link/mailbox.h"

namespace stembridge::link {

class Agent;
class Reach;

/// Clients hold it; when the last one lets go, the thread ends, and with it every socket. The thread
/// begins when something is first played or woken, and connects nothing before a block comes.
class Service {
public:
    /// That of this process, as long as somebody holds it. Not for the audio thread.
    static std::shared_ptr<Service> shared();

    /// folders: where to look for the server.
    explicit Service(Folders folders) : folders_(std::move(folders)) {}
    /// Says goodbye to the sidecar and ends the thread; waits for that, at most a second.
    ~Service();
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;

    /// For Client. Any thread.
    void add(std::shared_ptr<Mailbox> mailbox);
    /// Has the thread run. Any thread.
    void start();

private:
    void run();
    void tend(std::vector<std::unique_ptr<Agent>>& agents, Reach& reach);

    const Folders folders_;
    std::mutex mutex_;
    std::vector<std::shared_ptr<Mailbox>> arrived_;
    std::thread thread_;
    std::atomic<bool> stops_{false};
};

}  // namespace stembridge::link
