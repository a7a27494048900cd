/// One client's side of the link, on the link thread: settings, plan, replay and words.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/track.h"
#include "link/channel.h"
#include "link/folders.h"
#include "link/journal.h"
#include "link/mailbox.h"
#include "link/reach.h"
#include "link/stream.h"

namespace stembridge::link {

/// A server is asked for the newest wish until it has answered; from then on, after each new
/// connection, for the plan that it has granted, so that what is played goes on as it was.
///
/// All of it: link thread.
class Agent {
public:
    explicit Agent(std::shared_ptr<Mailbox> mailbox)
        : mailbox_(std::move(mailbox)),
          channel_(mailbox_->name()),
          journal_(mailbox_->name(), environment("STEMBRIDGE_PLUGIN_LOG")) {}

    /// Does all that is due, without waiting.
    void tend(std::int64_t nowUs, Reach& reach);
    /// Says goodbye.
    void leave(std::int64_t nowUs);

    /// Something unforeseen happened: begin again with a new connection.
    void stumble(const char* what, std::int64_t nowUs);

    /// Whether there is no client any more.
    bool isOver() const { return leaves_; }
    /// Whether input may come at any time.
    bool isListening() const { return track_ != nullptr; }
    /// The sockets, null without any.
    Sockets* sockets() { return channel_.isOpen() ? &channel_.sockets() : nullptr; }

private:
    void takeLetter();
    void listen();
    void connect(std::int64_t nowUs, Reach& reach);
    void ask();
    void take(const protocol::Message& message);
    void keepUp(std::int64_t nowUs);
    void takeAnswer(std::int64_t nowUs);
    void grant(const protocol::Configured& answer, std::int64_t nowUs);
    void refuse(std::string text, std::string code, std::int64_t nowUs);
    void setLive(bool live);
    void pump(std::int64_t nowUs);
    void publish();
    void show();

    std::shared_ptr<Mailbox> mailbox_;
    Channel channel_;
    Journal journal_;
    std::shared_ptr<Track> track_;
    std::unique_ptr<Stream> stream_;           // from the first plan of the track on
    std::optional<protocol::Configure> wish_;  // until it is answered
    std::optional<protocol::Configure> kept_;  // what was granted, with its plan
    bool isAsking_ = false;   // an answer is to come
    bool isAwake_ = false;    // a connection is wanted
    bool isLive_ = false;     // the server has what the stream plays
    bool wasAttached_ = false;
    bool isStarting_ = false;
    bool isAlone_ = false;  // the last look found no server, and none is being started
    bool leaves_ = false;
    std::int64_t lookUs_ = 0;   // when to look for a server again
    std::int64_t played_ = 0;   // how far the input had come when we last looked
    std::int64_t wholeUs_ = 0;  // when to send input however little it is
    std::int64_t againUs_ = 0;  // when to ask again for what was refused; 0 for never
    std::string problem_;       // why there are no sockets
    Status status_;
    bool isNews_ = true;  // status_ is to be published
};

}  // namespace stembridge::link
