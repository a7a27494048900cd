/// What a plug-in instance uses of the link.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/track.h"
#include "link/mailbox.h"
#include "link/outcome.h"
#include "link/service.h"
#include "link/status.h"
#include "protocol/messages.h"

namespace stembridge::link {

/// One instance's link to the sidecar. What it does happens on the link thread; nothing here waits
/// but the end of the last client of a process.
///
///     auto client = std::make_unique<Client>("REAPER 7.2", Service::shared());
///     client->play(track, wish);   // prepare: nothing connects before the track's first block
///     client->wake();              // or before an editor is opened
///     client->status();            // for a timer of the editor: words, progress, the plan to save
///
/// Without a plan in `wish.saved` the sidecar chooses one, and the track plays by it as soon as it is
/// agreed: its latency changes then. With one, latency and stems are the same as before.
class Client {
public:
    /// name: of the host, for the sidecar's reports. Not for the audio thread.
    Client(std::string name, std::shared_ptr<Service> service);
    /// Leaves the sidecar. The last one of a process waits until the link thread has ended, at most
    /// a second. Not for the audio thread.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Takes the input of `track` to the sidecar, and its stems back. wish: what is wanted, session
    /// and request apart; its rate, block and channels are the track's. transportUs 0: measured. A
    /// problem where that cannot be asked for, and then nothing has changed. Whoever replaces a track
    /// may destroy the one before: we hold on to it as long as we need it. Any thread; may start one.
    std::optional<Problem> play(std::shared_ptr<Track> track, const protocol::Configure& wish);

    /// Asks for something else with the same track. Until it is granted, and if it is not, what was
    /// granted before goes on. Any thread.
    std::optional<Problem> ask(const protocol::Configure& wish);

    /// Connects, whether something is played or not. Any thread; may start one.
    void wake();

    /// What is, in words and figures. Not for the audio thread.
    Status status() const { return mailbox_->status(); }

    /// Counts up with everything that shows that there is hope: for whoever waits offline. Audio
    /// thread too.
    std::int64_t progress() const { return mailbox_->progress.load(std::memory_order_relaxed); }

    /// Whether waiting makes sense: false where there is no sidecar and none is being started, or it
    /// does not grant what is wanted. Audio thread too.
    bool isHopeful() const { return mailbox_->isHopeful.load(std::memory_order_relaxed); }

private:
    std::shared_ptr<Mailbox> mailbox_;
    std::shared_ptr<Service> service_;
};

}  // namespace stembridge::link
