#include "link/agent.h"

#include <algorithm>

namespace stembridge::link {
namespace {

// Between two looks for a server: while one is being started, and otherwise.
constexpr std::int64_t kStartingUs = 50'000;
constexpr std::int64_t kLookUs = 500'000;
// When nobody has played for so long, input is sent however little it is.
constexpr std::int64_t kWholeUs = 100'000;
// Attempts after which a server that never said a word has none to say.
constexpr std::int64_t kDeafAttempts = 2;
// After a refusal that may be over by itself.
constexpr std::int64_t kAgainUs = 5'000'000;

// Whether the same question may be granted later.
bool mayPass(const std::string& code) {
    return code == "load" || code == "full" || code == "stopping" || code == "internal";
}

}  // namespace

void Agent::tend(std::int64_t nowUs, Reach& reach) {
    takeLetter();
    if (leaves_) {
        return;
    }
    listen();
    if (isAwake_) {
        if (!channel_.isOpen()) {
            connect(nowUs, reach);
        } else {
            channel_.lateFrames = track_ == nullptr ? 0 : track_->lateFrames();
            channel_.tend(nowUs, [this](const protocol::Message& message) { take(message); });
        }
        keepUp(nowUs);
        pump(nowUs);
    }
    isNews_ = isNews_ || status_.load != channel_.load();
    status_.load = channel_.load();
    journal_.look(track_.get(), nowUs);
    publish();
}

void Agent::leave(std::int64_t nowUs) {
    journal_.end(track_.get());
    setLive(false);
    channel_.leave(nowUs);
}

void Agent::stumble(const char* what, std::int64_t nowUs) {
    channel_.drop(std::string("the plug-in has a mistake: ") + what, nowUs);
}

void Agent::takeLetter() {
    Letter letter = mailbox_->take();
    leaves_ = leaves_ || letter.leaves;
    isAwake_ = isAwake_ || letter.wakes;
    const bool isTrackNew = letter.track != nullptr;
    if (isTrackNew) {
        journal_.end(track_.get());
        setLive(false);
        stream_.reset();
        track_ = std::move(letter.track);
        kept_.reset();  // it was for another track
    }
    if (letter.wish) {
        wish_ = std::move(letter.wish);
        status_.refusal.clear();
        status_.refusalCode.clear();
        againUs_ = 0;
    }
    if (isTrackNew || letter.wish) {
        ask();
    }
}

// Takes what the audio thread has played. The first block wakes us.
void Agent::listen() {
    if (stream_ != nullptr) {
        stream_->exchange();
    } else if (track_ != nullptr) {
        isAwake_ = track_->forgetInput() || isAwake_;
    }
}

// Looks for a server and opens a connection to it, when it is time to.
void Agent::connect(std::int64_t nowUs, Reach& reach) {
    if (nowUs < std::max(lookUs_, channel_.reopenUs())) {
        return;
    }
    Outcome<Reached> reached = reach.open(nowUs);
    if (isStarting_ != (!reached && reach.isStarting())) {
        isStarting_ = !isStarting_;
        isNews_ = true;
        ++mailbox_->progress;
    }
    isNews_ = isNews_ || isAlone_ != (!reached && !isStarting_);
    isAlone_ = !reached && !isStarting_;
    if (!reached) {
        lookUs_ = nowUs + (isStarting_ ? kStartingUs : kLookUs);
        isNews_ = isNews_ || problem_ != reached.problem().text;
        problem_ = reached.problem().text;
        return;
    }
    isNews_ = true;
    channel_.open(std::move(reached->sockets), reached->trips, nowUs);
    ask();
}

// Asks for the newest wish, or again for what was granted.
void Agent::ask() {
    const auto& wanted = wish_ ? wish_ : kept_;
    isAsking_ = wanted.has_value();
    isNews_ = true;
    if (wanted) {
        channel_.ask(*wanted);
    } else {
        channel_.askNothing();
    }
}

void Agent::take(const protocol::Message& message) {
    // Credit for input is none: a render sends more with every block, stems or not.
    if (!std::holds_alternative<protocol::Credit>(message)) ++mailbox_->progress;
    if (const auto* progress = std::get_if<protocol::Progress>(&message)) {
        status_.what = progress->what;
        status_.done = progress->done;
        status_.total = progress->total;
        isNews_ = true;
    }
    if (!isLive_) {
        return;
    }
    if (const auto* stems = std::get_if<protocol::Stems>(&message)) {
        channel_.prove();
        stream_->take(*stems);
    } else if (const auto* credit = std::get_if<protocol::Credit>(&message)) {
        channel_.prove();
        stream_->take(*credit);
    } else if (const auto* drained = std::get_if<protocol::Drained>(&message)) {
        channel_.prove();
        stream_->take(*drained);
    } else if (const auto* lost = std::get_if<protocol::Lost>(&message)) {
        stream_->lose(lost->epoch);
        ++status_.losses;
        isNews_ = true;
    }
}

// Follows the connection where it was lost or has come back, and what was answered.
void Agent::keepUp(std::int64_t nowUs) {
    if (wasAttached_ != channel_.isAttached()) {
        wasAttached_ = !wasAttached_;
        if (wasAttached_) status_.presets = channel_.presets();
        isNews_ = true;
        problem_.clear();
    }
    if (isLive_ && !channel_.isAttached()) {
        setLive(false);
        stream_->lose();
        ++status_.losses;
    }
    if (!channel_.isOpen() && channel_.reopenUs() > nowUs && problem_ != channel_.problem()) {
        problem_ = channel_.problem();
        isNews_ = true;
    }
    if (isAsking_ && channel_.answer()) {
        takeAnswer(nowUs);
    }
    if (againUs_ != 0 && nowUs >= againUs_) {
        againUs_ = 0;
        ask();
    }
}

void Agent::takeAnswer(std::int64_t nowUs) {
    const Answer answer = *channel_.answer();
    isAsking_ = false;
    isNews_ = true;
    status_.what.clear();
    status_.done = status_.total = 0;
    if (const auto* error = std::get_if<protocol::Error>(&answer)) {
        refuse(said(*error), error->code, nowUs);
    } else {
        grant(*std::get_if<protocol::Configured>(&answer), nowUs);
    }
}

// Plays by what the server grants, unless another plan was saved.
void Agent::grant(const protocol::Configured& answer, std::int64_t nowUs) {
    const protocol::Configure asked = wish_ ? *wish_ : *kept_;
    const Outcome<LivePlan> plan = livePlan(asked, answer.plan, answer.latency);
    const bool isOther = asked.saved && *asked.saved != answer.plan;
    if (!plan || isOther) {
        refuse(isOther ? "the sidecar's plan for " + answer.model +
                             " is not the one that was saved; choose the model again"
                       : plan.problem().text,
               "plan", nowUs);
        return;
    }
    if (wish_) {
        status_.refusal.clear();
        status_.refusalCode.clear();
    }
    kept_ = asked;
    kept_->saved = answer.plan;
    wish_.reset();
    status_.agreed = answer;
    status_.asked = asked;
    ++status_.agreements;
    if (track_ == nullptr) {
        return;
    }
    if (stream_ != nullptr && stream_->isFor(answer)) {
        stream_->agree(answer);
    } else {
        stream_ = std::make_unique<Stream>(track_, asked, answer, *plan);
    }
    setLive(true);
}

// RESET names the newest of all requests: after a refused wish that is to be the kept one again.
void Agent::refuse(std::string text, std::string code, std::int64_t nowUs) {
    againUs_ = mayPass(code) ? nowUs + kAgainUs : 0;
    status_.refusal = std::move(text);
    status_.refusalCode = std::move(code);
    if (kept_ && wish_) {
        wish_.reset();
        againUs_ = 0;
        ask();
    }
}

void Agent::setLive(bool live) {
    isLive_ = live;
    isNews_ = true;
    if (track_ != nullptr) {
        track_->setRunning(live);
    }
}

void Agent::pump(std::int64_t nowUs) {
    const std::int64_t played = stream_ != nullptr ? stream_->played() : 0;
    if (played != played_) {
        played_ = played;
        wholeUs_ = nowUs + kWholeUs;
    }
    const bool whole = nowUs >= wholeUs_;
    while (isLive_ && channel_.isAttached()) {
        std::optional<Outgoing> next = stream_->next(channel_.token(), channel_.nextEpoch(),
                                                     channel_.mostFrames(), whole);
        if (!next) {
            return;
        }
        journal_.send(*next, *track_, *kept_, *status_.agreed);
        channel_.send(next->message, nowUs, std::move(next->samples));
    }
}

void Agent::publish() {
    if (isNews_) {
        isNews_ = false;
        show();
        // One that was just lost may be there again, or be started, at the next look.
        const bool isLost = status_.stage == Stage::kUnreachable && isAlone_;
        const bool isDeaf = mailbox_->progress == 0 && channel_.failures() >= kDeafAttempts;
        const bool isHopeless = isLost || isDeaf || status_.stage == Stage::kRefused;
        mailbox_->isHopeful.store(!isHopeless, std::memory_order_relaxed);
        mailbox_->publish(status_);
    }
}

void Agent::show() {
    const auto set = [this](Stage stage, std::string text) {
        status_.stage = stage;
        status_.text = std::move(text);
    };
    if (!isAwake_) {
        set(Stage::kAsleep, Status{}.text);
    } else if (isStarting_) {
        set(Stage::kStarting, "the sidecar is being started; dry until then");
    } else if (!channel_.isOpen() && !problem_.empty()) {
        set(Stage::kUnreachable, problem_);
    } else if (!channel_.isAttached()) {
        set(Stage::kConnecting,
            problem_.empty() ? "connecting to the sidecar" : "connecting again: " + problem_);
    } else if (isLive_) {
        set(Stage::kPlaying, "connected; " + status_.agreed->model + " plays");
    } else if (isAsking_) {
        set(Stage::kPreparing, "the sidecar makes the model ready" +
                                   (status_.what.empty() ? "" : ": " + status_.what));
    } else if (!status_.refusal.empty()) {
        set(Stage::kRefused, status_.refusal);
    } else {
        set(Stage::kConnected, "connected; nothing is played");
    }
}

}  // namespace stembridge::link
