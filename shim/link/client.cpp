#include "link/client.h"

#include "protocol/codec.h"
#include "protocol/errors.h"

namespace stembridge::link {
namespace {

std::optional<Problem> faultOf(protocol::Configure wish) {
    wish.session = 1;
    wish.request = 1;
    try {
        protocol::check(wish);
    } catch (const protocol::LocalProtocolError& error) {
        return Problem{std::string("that cannot be asked for: ") + error.what()};
    }
    return std::nullopt;
}

// A name that may be sent, whatever the host calls itself.
std::string named(std::string name) {
    try {
        protocol::check(protocol::Hello{protocol::kVersion, name});
    } catch (const protocol::LocalProtocolError&) {
        return "a plug-in";
    }
    return name;
}

}  // namespace

Client::Client(std::string name, std::shared_ptr<Service> service)
    : mailbox_(std::make_shared<Mailbox>(named(std::move(name)))), service_(std::move(service)) {
    service_->add(mailbox_);
}

Client::~Client() {
    mailbox_->write([](Letter& letter) { letter.leaves = true; });
}

std::optional<Problem> Client::play(std::shared_ptr<Track> track,
                                    const protocol::Configure& wish) {
    if (auto problem = faultOf(wish)) {
        return problem;
    }
    mailbox_->write([&](Letter& letter) {
        letter.track = std::move(track);
        letter.wish = wish;
    });
    service_->start();
    return std::nullopt;
}

std::optional<Problem> Client::ask(const protocol::Configure& wish) {
    if (auto problem = faultOf(wish)) {
        return problem;
    }
    mailbox_->write([&](Letter& letter) { letter.wish = wish; });
    return std::nullopt;
}

void Client::wake() {
    mailbox_->write([](Letter& letter) { letter.wakes = true; });
    service_->start();
}

}  // namespace stembridge::link
