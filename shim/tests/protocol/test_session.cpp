/// The rules of docs/PROTOCOL.md, one by one, at the client's end.
#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "protocol/limits.h"
#include "protocol/session.h"

namespace stembridge::protocol {
namespace {

constexpr std::uint64_t kOurs = 7;
constexpr std::int64_t kCreditFrames = 100;
constexpr std::int64_t kHeartbeatUs = 1000;
const SavedPlan kPlan{1024, 512, 8192, 256, 44100, 0, 0, 0, 0, 0, 0, 512};

/// A client and what its server says, in mono with two stems.
struct Talk {
    ClientSession session;
    std::int64_t nowUs = 0;
    std::vector<float> zeros = std::vector<float>(4096);

    Samples samples(std::int64_t count) const {
        return Samples(std::span<const float>(zeros).first(static_cast<std::size_t>(count)));
    }

    void send(const Message& message, Socket socket) { session.send(socket, message, nowUs); }
    Receipt receive(const Message& message, Socket socket) {
        return session.receive(socket, message, nowUs);
    }

    void hello() { send(Hello{.client = "test"}, Socket::kControl); }
    Receipt welcome(std::uint64_t token = kOurs) {
        return receive(
            Welcome{.server = "s", .session = token, .heartbeatUs = kHeartbeatUs, .maxFrames = 64},
            Socket::kControl);
    }
    void configure(std::int64_t request) {
        send(Configure{.session = kOurs,
                       .request = request,
                       .rate = 48000,
                       .block = 64,
                       .channels = 1,
                       .model = "m"},
             Socket::kControl);
    }
    Receipt progress(std::int64_t request) {
        return receive(Progress{kOurs, request, "w", 0, 0}, Socket::kControl);
    }
    Receipt configured(std::int64_t request) {
        return receive(Configured{.session = kOurs,
                                  .request = request,
                                  .latency = 9,
                                  .plan = kPlan,
                                  .sources = {"a", "b"},
                                  .credit = kCreditFrames,
                                  .model = "m"},
                       Socket::kControl);
    }
    Receipt error(std::uint64_t token, std::int64_t request) {
        return receive(Error{"load", "t", "h", token, request}, Socket::kControl);
    }
    void attach() { send(Attach{kOurs}, Socket::kAudio); }
    void reset(std::int64_t epoch, std::int64_t origin, std::int64_t start, std::int64_t request) {
        send(Reset{kOurs, epoch, origin, start, request}, Socket::kAudio);
    }
    void audio(std::int64_t epoch, std::int64_t start, std::int64_t frames,
               std::int64_t channels = 1) {
        send(Audio{kOurs, epoch, start, start, {channels, frames, samples(channels * frames)}},
             Socket::kAudio);
    }
    void drain(std::int64_t epoch, std::int64_t stop) {
        send(Drain{kOurs, epoch, stop}, Socket::kAudio);
    }
    Receipt stems(std::int64_t epoch, std::int64_t start, std::int64_t frames,
                  std::int64_t received, std::int64_t sources = 2) {
        return receive(
            Stems{kOurs, epoch, start, received, {sources, 1, frames, samples(sources * frames)}},
            Socket::kAudio);
    }
    Receipt credit(std::int64_t epoch, std::int64_t received) {
        return receive(Credit{kOurs, epoch, received}, Socket::kAudio);
    }
    Receipt drained(std::int64_t epoch) {
        return receive(Drained{kOurs, epoch, 0}, Socket::kAudio);
    }
    Receipt lost(std::int64_t epoch) { return receive(Lost{kOurs, epoch}, Socket::kAudio); }

    Talk& greeted() {
        hello();
        REQUIRE(welcome().fresh);
        return *this;
    }
    Talk& agreed() {
        greeted().configure(1);
        REQUIRE(configured(1).fresh);
        return *this;
    }
    /// Epoch 1 is open, from frame 1000 on.
    Talk& running() {
        agreed().attach();
        reset(1, 1000, 1000, 1);
        REQUIRE(session.state() == State::kRunning);
        return *this;
    }
};

bool ignored(const Receipt& receipt) { return !receipt.fresh && !receipt.refusal; }
bool refused(const Receipt& receipt, Code code = Code::kOrder) {
    return !receipt.fresh && receipt.refusal && receipt.refusal->code == code;
}

TEST_CASE("a session from HELLO to BYE") {
    Talk talk;
    CHECK(talk.session.state() == State::kOffline);
    talk.hello();
    CHECK(talk.session.state() == State::kGreeting);
    CHECK(talk.welcome().fresh);
    CHECK(talk.session.state() == State::kNew);
    CHECK(talk.session.token() == kOurs);
    talk.configure(1);
    CHECK(talk.session.pending() == 1);
    CHECK(talk.progress(1).fresh);
    CHECK(talk.configured(1).fresh);
    CHECK(talk.session.state() == State::kConfigured);
    CHECK(talk.session.pending() == 0);
    talk.attach();
    talk.reset(1, 1000, 1000, 1);
    CHECK(talk.receive(Attached{kOurs}, Socket::kAudio).fresh);
    talk.audio(1, 1000, 50);
    CHECK(talk.session.creditLeft() == 50);
    CHECK(talk.stems(1, 1000, 20, 1030).fresh);
    CHECK(talk.session.creditLeft() == 80);
    talk.drain(1, 1050);
    CHECK(talk.session.state() == State::kDraining);
    CHECK(talk.session.creditLeft() == 0);
    CHECK(talk.stems(1, 1020, 30, 1050).fresh);
    CHECK(talk.drained(1).fresh);
    CHECK(talk.session.state() == State::kConfigured);
    talk.send(Bye{kOurs}, Socket::kControl);
    CHECK(talk.session.state() == State::kOffline);
    CHECK(talk.session.token() == 0);
    CHECK(ignored(talk.receive(Bye{kOurs}, Socket::kControl)));
}

TEST_CASE("nothing but HELLO opens a session, and each message has its socket") {
    Talk talk;
    CHECK_THROWS_AS(talk.configure(1), LocalProtocolError);
    CHECK_THROWS_AS(talk.send(Hello{}, Socket::kAudio), LocalProtocolError);
    CHECK_THROWS_AS(
        talk.send(Welcome{.server = "", .session = 1, .heartbeatUs = 1000, .maxFrames = 1},
                  Socket::kControl),
        LocalProtocolError);
    talk.agreed();
    CHECK(refused(talk.receive(Attached{kOurs}, Socket::kControl), Code::kType));
    CHECK(refused(talk.receive(Hello{}, Socket::kControl), Code::kType));
    CHECK(refused(talk.welcome()));
}

TEST_CASE("a message that breaks a range is not sent") {
    Talk talk;
    talk.running();
    CHECK_THROWS_AS(talk.drain(1, -1), LocalProtocolError);
    CHECK(talk.session.state() == State::kRunning);
}

TEST_CASE("a second HELLO and an ERROR about it begin again; numbers go on counting") {
    Talk talk;
    talk.running().hello();
    CHECK(talk.session.state() == State::kGreeting);
    CHECK(talk.error(0, 0).fresh);
    CHECK(talk.session.state() == State::kOffline);
    talk.greeted();
    CHECK(talk.session.request() == 1);
    CHECK(talk.session.epoch() == 1);
    CHECK_THROWS_AS(talk.configure(1), LocalProtocolError);
    talk.configure(2);
    CHECK(talk.configured(2).fresh);
    talk.attach();
    CHECK_THROWS_AS(talk.reset(1, 0, 0, 2), LocalProtocolError);
    talk.reset(2, 0, 0, 2);
}

TEST_CASE("a newer CONFIGURE replaces one that is not answered, an ERROR refuses one") {
    Talk talk;
    talk.greeted().configure(1);
    talk.configure(3);
    CHECK(ignored(talk.progress(1)));
    CHECK(ignored(talk.configured(1)));
    CHECK(ignored(talk.error(kOurs, 1)));
    CHECK(talk.session.state() == State::kNew);
    CHECK(refused(talk.configured(4)));
    CHECK(talk.error(kOurs, 3).fresh);
    CHECK(talk.session.pending() == 0);
    CHECK(ignored(talk.configured(3)));
    CHECK(talk.session.state() == State::kNew);
    CHECK(talk.error(0, 0).fresh);  // a message was refused; it had no effect
    CHECK(talk.session.state() == State::kNew);
    CHECK(talk.error(kOurs, 0).fresh);
    CHECK(talk.session.state() == State::kOffline);
}

TEST_CASE("RESET needs an attached socket, a plan, and a number that counts up") {
    Talk talk;
    talk.greeted();
    CHECK(refused(talk.receive(Attached{kOurs}, Socket::kAudio)));
    talk.configure(1);
    CHECK_THROWS_AS(talk.reset(1, 0, 0, 1), LocalProtocolError);
    talk.configured(1);
    CHECK_THROWS_AS(talk.reset(1, 0, 0, 1), LocalProtocolError);
    talk.attach();
    CHECK_THROWS_AS(talk.reset(1, 0, 0, 2), LocalProtocolError);
    CHECK_THROWS_AS(talk.reset(1, 5, 4, 1), LocalProtocolError);
    talk.reset(2, 5, 9, 1);
    CHECK_THROWS_AS(talk.reset(2, 5, 9, 1), LocalProtocolError);
    CHECK_THROWS_AS(talk.reset(1, 5, 9, 1), LocalProtocolError);
}

TEST_CASE("RESET has the plan of the newest CONFIGURED or of the epoch before") {
    Talk talk;
    talk.running().configure(2);
    talk.reset(2, 1000, 1000, 1);  // not answered yet
    talk.configured(2);
    talk.configure(3);
    talk.configured(3);
    CHECK_THROWS_AS(talk.reset(3, 1000, 1000, 2), LocalProtocolError);
    talk.reset(3, 1000, 1000, 1);
    talk.reset(4, 1000, 1000, 3);
    CHECK_THROWS_AS(talk.reset(5, 1000, 1000, 1), LocalProtocolError);
}

TEST_CASE("plans in use stay, however many requests are made and not answered") {
    Talk talk;
    talk.running().configure(2);
    talk.configured(2);
    for (std::int64_t request = 3; request < 13; ++request) talk.configure(request);
    talk.reset(2, 1000, 1000, 1);
    talk.reset(3, 1000, 1000, 2);
}

TEST_CASE("input leaves no gap, and keeps to the credit and the channels") {
    Talk talk;
    talk.running();
    CHECK_THROWS_AS(talk.audio(1, 999, 10), LocalProtocolError);
    CHECK_THROWS_AS(talk.audio(1, 1001, 10), LocalProtocolError);
    CHECK_THROWS_AS(talk.audio(2, 1000, 10), LocalProtocolError);
    CHECK_THROWS_AS(talk.audio(1, 1000, 10, 2), LocalProtocolError);
    CHECK_THROWS_AS(talk.audio(1, 1000, kCreditFrames + 1), LocalProtocolError);
    talk.audio(1, 1000, kCreditFrames);
    CHECK(talk.session.creditLeft() == 0);
    CHECK_THROWS_AS(talk.audio(1, 1100, 1), LocalProtocolError);
    talk.audio(1, 1090, 10);  // sent before, and ignored
    CHECK(talk.credit(1, 1040).fresh);
    CHECK(talk.session.creditLeft() == 40);
    talk.audio(1, 1100, 40);
    talk.drain(1, 1120);
    CHECK_THROWS_AS(talk.audio(1, 1100, 1), LocalProtocolError);
    CHECK_THROWS_AS(talk.drain(1, 1120), LocalProtocolError);
}

TEST_CASE("an epoch is drained within its input") {
    Talk talk;
    talk.running().audio(1, 1000, 10);
    CHECK_THROWS_AS(talk.drain(1, 999), LocalProtocolError);
    CHECK_THROWS_AS(talk.drain(1, 1011), LocalProtocolError);
    CHECK(refused(talk.drained(1)));
    talk.drain(1, 1005);
    CHECK(talk.drained(1).fresh);
    CHECK(ignored(talk.drained(1)));
    CHECK_THROWS_AS(talk.audio(1, 1005, 1), LocalProtocolError);
}

TEST_CASE("credit never counts back, nor beyond what was sent") {
    Talk talk;
    talk.running().audio(1, 1000, 50);
    CHECK(talk.credit(1, 1030).fresh);
    CHECK(refused(talk.credit(1, 1029)));
    CHECK(refused(talk.credit(1, 1051)));
    CHECK(refused(talk.credit(2, 1030)));
    CHECK(talk.session.creditLeft() == 80);
}

TEST_CASE("stems come in order, may leave a gap, and are those of the plan") {
    Talk talk;
    talk.running().audio(1, 1000, 50);
    CHECK(refused(talk.stems(1, 990, 5, 1000)));
    CHECK(talk.stems(1, 1000, 5, 1000).fresh);
    CHECK(refused(talk.stems(1, 1004, 5, 1000)));
    CHECK(talk.stems(1, 1020, 5, 1020).fresh);
    CHECK(refused(talk.stems(1, 1025, 5, 1019)));
    CHECK(refused(talk.stems(1, 1046, 5, 1020)));
    CHECK(refused(talk.stems(1, 1025, 5, 1020, 3), Code::kFormat));
    CHECK(talk.stems(1, 1025, 25, 1050).fresh);
}

TEST_CASE("stems of the epoch before still come, of those before it no more") {
    Talk talk;
    talk.running().audio(1, 1000, 50);
    talk.reset(2, 1040, 1040, 1);
    CHECK(talk.stems(1, 1000, 10, 1010).fresh);
    CHECK_THROWS_AS(talk.audio(1, 1050, 1), LocalProtocolError);
    talk.audio(2, 1040, 10);
    talk.reset(3, 1050, 1050, 1);
    CHECK(ignored(talk.stems(1, 1010, 10, 1010)));
    CHECK(ignored(talk.drained(1)));
    CHECK(talk.stems(2, 1040, 10, 1050).fresh);
    CHECK(talk.drained(2).fresh);
    CHECK(talk.session.state() == State::kRunning);
}

TEST_CASE("an epoch of which nothing is left is over") {
    Talk talk;
    talk.running().audio(1, 1000, 50);
    talk.reset(2, 1000, 1000, 1);
    CHECK(ignored(talk.stems(1, 1000, 10, 1010)));
}

TEST_CASE("LOST ends every epoch up to its own") {
    Talk talk;
    talk.running().audio(1, 1000, 50);
    CHECK(refused(talk.lost(2)));
    CHECK(talk.lost(1).fresh);
    CHECK(talk.session.state() == State::kLost);
    CHECK(talk.session.creditLeft() == 0);
    CHECK(ignored(talk.stems(1, 1000, 10, 1010)));
    CHECK_THROWS_AS(talk.audio(1, 1050, 1), LocalProtocolError);
    talk.reset(2, 1000, 1020, 1);  // the same origin, to replay
    CHECK(talk.session.state() == State::kRunning);
    CHECK(ignored(talk.lost(1)));  // it crossed with the RESET
    CHECK(talk.session.state() == State::kRunning);
}

TEST_CASE("ATTACH ends what was open") {
    Talk talk;
    talk.running().attach();
    CHECK(talk.session.state() == State::kConfigured);
    CHECK(ignored(talk.credit(1, 1000)));
}

TEST_CASE("what is about another session is ignored, and never sent") {
    Talk talk;
    talk.running();
    CHECK(ignored(talk.receive(Lost{kOurs + 1, 1}, Socket::kAudio)));
    CHECK(ignored(talk.receive(Bye{kOurs + 1}, Socket::kControl)));
    CHECK(ignored(talk.receive(Error{"x", "", "", kOurs + 1, 0}, Socket::kControl)));
    CHECK_THROWS_AS(talk.send(Attach{kOurs + 1}, Socket::kAudio), LocalProtocolError);
    CHECK(talk.session.state() == State::kRunning);
    CHECK(talk.receive(Bye{0}, Socket::kControl).fresh);  // from a server that ends
    CHECK(talk.session.state() == State::kOffline);
}

TEST_CASE("heartbeats: half of one to speak, four to be heard") {
    Talk talk;
    CHECK(!talk.session.pingDue(Socket::kControl, 0));
    talk.hello();
    CHECK(!talk.session.pingDue(Socket::kControl, kGreetingUs / 2 - 1));
    CHECK(talk.session.pingDue(Socket::kControl, kGreetingUs / 2));
    CHECK(!talk.session.isGone(4 * kGreetingUs));
    CHECK(talk.session.isGone(4 * kGreetingUs + 1));
    talk.nowUs = 10;
    talk.welcome();
    CHECK(!talk.session.isGone(10 + 4 * kHeartbeatUs));
    CHECK(talk.session.isGone(11 + 4 * kHeartbeatUs));
    CHECK(!talk.session.pingDue(Socket::kAudio, kHeartbeatUs));  // not in use yet
    talk.attach();
    CHECK(talk.session.pingDue(Socket::kAudio, 10 + kHeartbeatUs / 2));
    talk.nowUs = 4000;
    talk.receive(Pong{1}, Socket::kControl);
    CHECK(talk.session.isGone(11 + 4 * kHeartbeatUs));  // one silent socket is enough
    talk.receive(Ping{1}, Socket::kAudio);
    CHECK(!talk.session.isGone(11 + 4 * kHeartbeatUs));
    SUBCASE("a broken connection has none") { talk.session.disconnect(); }
    SUBCASE("a session that is over has none") { talk.send(Bye{kOurs}, Socket::kControl); }
    CHECK(!talk.session.isGone(1'000'000'000));
    CHECK(!talk.session.pingDue(Socket::kControl, 1'000'000'000));
}

}  // namespace
}  // namespace stembridge::protocol
