#include "link/service.h"

#include <zmq.h>

#include <chrono>
#include <exception>
#include <utility>

#include "link/agent.h"
#include "link/reach.h"
#include "link/thread.h"

namespace stembridge::link {
namespace {

// How long the thread sleeps when nothing comes: while somebody may play, and otherwise.
constexpr long kPollMs = 1;
constexpr long kIdleMs = 10;

std::int64_t nowUs() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

// Sleeps until something comes over any socket, or it is time to look at the tracks again.
void sleepBetween(std::vector<std::unique_ptr<Agent>>& agents) {
    std::vector<zmq_pollitem_t> items;
    bool isListening = false;
    for (const auto& agent : agents) {
        isListening = isListening || agent->isListening();
        if (Sockets* sockets = agent->sockets()) {
            for (const zmq_pollitem_t& item : sockets->pollItems()) {
                items.push_back(item);
            }
        }
    }
    zmq_poll(items.data(), static_cast<int>(items.size()), isListening ? kPollMs : kIdleMs);
}

void leave(Agent& agent) {
    try {
        agent.leave(nowUs());
    } catch (const std::exception&) {  // the server finds out by itself
    }
}

}  // namespace

std::shared_ptr<Service> Service::shared() {
    static std::mutex mutex;
    static std::weak_ptr<Service> known;
    const std::lock_guard lock(mutex);
    std::shared_ptr<Service> service = known.lock();
    if (service == nullptr) {
        service = std::make_shared<Service>(userFolders());
        known = service;
    }
    return service;
}

Service::~Service() {
    stops_.store(true);
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Service::add(std::shared_ptr<Mailbox> mailbox) {
    const std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(mailbox));
}

void Service::start() {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) {
        thread_ = std::thread([this] { run(); });
    }
}

void Service::run() {
    beQuiet();
    Reach reach(folders_);
    std::vector<std::unique_ptr<Agent>> agents;
    while (!stops_.load()) {
        // What goes wrong here must not end the host.
        try {
            tend(agents, reach);
            sleepBetween(agents);
        } catch (const std::exception&) {
            std::this_thread::sleep_for(std::chrono::milliseconds(kIdleMs));
        }
    }
    for (const auto& agent : agents) {
        leave(*agent);
    }
}

// One turn of all clients, those that came since the last one too.
void Service::tend(std::vector<std::unique_ptr<Agent>>& agents, Reach& reach) {
    {
        const std::lock_guard lock(mutex_);
        for (std::shared_ptr<Mailbox>& mailbox : std::exchange(arrived_, {})) {
            agents.push_back(std::make_unique<Agent>(std::move(mailbox)));
        }
    }
    const std::int64_t now = nowUs();
    reach.tend(now);
    for (const auto& agent : agents) {
        try {
            agent->tend(now, reach);
        } catch (const std::exception& error) {  // the others go on
            agent->stumble(error.what(), now);
        }
        if (agent->isOver()) {
            leave(*agent);
        }
    }
    std::erase_if(agents, [](const auto& agent) { return agent->isOver(); });
}

}  // namespace stembridge::link
