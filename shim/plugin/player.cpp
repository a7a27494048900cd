#include "plugin/player.h"

#include <thread>
#include <tuple>
#include <utility>

namespace stembridge {
namespace {

// The code of docs/PROTOCOL.md, Errors, for a plan that does not suit the model.
constexpr const char* kPlanRefused = "plan";

}  // namespace

Player::Player(std::string hostName)
    : measured_(link::measuredCosts(link::userFolders().config, kDefaultModel)),
      client_(std::move(hostName), link::Service::shared()) {}

void Player::prepare(const HostFrames& host, int channels, bool isOffline) {
    const std::lock_guard lock(mutex_);
    isRendering_ = false;  // what comes next is another one
    takeUp();
    if (channels == channels_ && host == host_) {
        reset();
        // A session that was asked for by a render has no promise to be in time.
        const bool playsNow = isOffline_ && !isOffline;
        isOffline_ = isOffline_ && isOffline;
        if (playsNow) ask();
        return;
    }
    host_ = host;
    channels_ = channels;
    isOffline_ = isOffline;
    isGuessRefused_ = false;
    build();
}

bool Player::process(const float* const* input, const Outputs& out, std::int64_t frames,
                     const Controls& controls, const Rendering& rendering) {
    if (busy_.exchange(true, std::memory_order_acquire)) return false;
    const bool isPrepared = track_ != nullptr;
    if (isPrepared) {
        if (resetAsked_.load(std::memory_order_relaxed) &&
            resetAsked_.exchange(false, std::memory_order_acquire)) {
            track_->reset();
            waiter_->restart();
        }
        if (isWishNew_.load(std::memory_order_relaxed) &&
            isWishNew_.exchange(false, std::memory_order_acquire))
            waiter_->restart();
        Waiter* const waiter = waiter_->ask(frames, rendering);
        isRendering_.store(rendering.saysOffline || waiter != nullptr, std::memory_order_relaxed);
        const std::int64_t before = track_->replacedFrames();
        track_->process(input, out, frames, controls, waiter);
        // Without them on purpose is complete.
        const bool isRender = waiter_->isRender() && !controls.bypass;
        const std::int64_t missing = isRender ? track_->replacedFrames() - before : 0;
        if (missing > 0) incomplete_.fetch_add(missing, std::memory_order_relaxed);
    }
    busy_.store(false, std::memory_order_release);
    return isPrepared;
}

void Player::want(const Wanted& wanted) {
    const std::lock_guard lock(mutex_);
    if (wanted == saved()) return;
    wanted_ = wanted;
    meanwhile_.reset();
    isGuessRefused_ = false;
    if (channels_ == 0) return;
    // With a plan the latency is known, and the host is told at once.
    const std::optional<protocol::SavedPlan> known = plan(host_);
    if (known && latencyOf(*known, host_.rate) != latency())
        build();
    else
        ask();
}

void Player::restore(const Wanted& wanted) {
    const std::lock_guard lock(mutex_);
    takeUp();
    if (wanted == saved()) return;
    wanted_ = wanted;
    meanwhile_.reset();
    isGuessRefused_ = false;
    if (channels_ > 0) build();
}

Wanted Player::wanted() {
    const std::lock_guard lock(mutex_);
    takeUp();
    return saved();
}

void Player::follow() {
    const std::lock_guard lock(mutex_);
    takeUp();
}

std::int64_t Player::latencyFor(const HostFrames& host) const {
    const std::lock_guard lock(mutex_);
    // Nothing is built anew for the same host, so that it keeps what was granted.
    if (channels_ > 0 && host == host_) return latency();
    return latencyOf(plan(host).value_or(defaultFor(host)), host.rate);
}

link::Status Player::status() const {
    const std::lock_guard lock(mutex_);
    link::Status status = client_.status();
    if (!problem_.empty()) {
        status.stage = link::Stage::kRefused;
        status.text = status.refusal = problem_;
    }
    return status;
}

// The track is replaced under the lock alone, so that its pointer can be read with it.
std::int64_t Player::lateFrames() const {
    const std::lock_guard lock(mutex_);
    return track_ == nullptr ? 0 : track_->lateFrames() - lateSeen_;
}

void Player::dismissLate() {
    const std::lock_guard lock(mutex_);
    if (track_ != nullptr) lateSeen_ = track_->lateFrames();
}

std::int64_t Player::replacedFrames() const {
    const std::lock_guard lock(mutex_);
    return track_ == nullptr ? 0 : track_->replacedFrames();
}

// Whether the project has a plan, and it suits what `host` does.
bool Player::isKeptFor(const HostFrames& host) const {
    const std::optional<KeptPlan>& kept = wanted_.kept;
    return kept && kept->rate == host.rate && host.block <= kept->plan.block;
}

std::optional<protocol::SavedPlan> Player::granted(const HostFrames& host) const {
    if (isKeptFor(host)) return wanted_.kept->plan;
    if (meanwhile_ && meanwhile_->host == host) return meanwhile_->plan;
    // Known before it is granted, or a render would begin with another latency than was told.
    if (wanted_.kept && !isGuessRefused_)
        return forHost(wanted_.kept->plan, wanted_.kept->rate, host);
    return std::nullopt;
}

// Whether the plan for `host` is one that no sidecar may have seen. One with larger blocks than
// before is as good as the project's own.
bool Player::isGuess(const HostFrames& host) const {
    const bool isKnown = meanwhile_ && meanwhile_->host == host;
    const bool isOwn = wanted_.kept && wanted_.kept->rate == host.rate;
    return !isGuessRefused_ && !isKnown && !isOwn && plan(host);
}

// What a project keeps. One that is bounced in larger blocks still has its own plan after that; one
// whose blocks have become larger for good has the latency that its user hears.
Wanted Player::saved() const {
    Wanted saved = wanted_;
    if (channels_ > 0 && wanted_.kept)
        if (const auto known = granted(host_)) saved.kept = KeptPlan{host_.rate, *known};
    return saved;
}

// The plan to play by, where one is known before anything is connected.
std::optional<protocol::SavedPlan> Player::plan(const HostFrames& host) const {
    if (const auto known = granted(host)) return known;
    const bool isDefault = wanted_.model == kDefaultModel && wanted_.latencyUs == 0 &&
                           wanted_.preset.empty();
    if (isDefault && !isGuessRefused_) return defaultFor(host);
    return std::nullopt;
}

protocol::SavedPlan Player::defaultFor(const HostFrames& host) const {
    const auto known = measured_.find(host.rate);
    if (known == measured_.end()) return defaultPlan(host);
    return defaultPlan(host, known->second);
}

protocol::Configure Player::wish() const {
    protocol::Configure wish;
    wish.rate = host_.rate;
    wish.block = host_.block;
    wish.channels = channels_;
    wish.model = wanted_.model;
    wish.latencyUs = wanted_.latencyUs;
    wish.preset = wanted_.preset;
    wish.realtime = !isOffline_;
    wish.saved = plan(host_);
    return wish;
}

// A new track; its frames count on from those of the one before.
void Player::build() {
    const protocol::SavedPlan known = plan(host_).value_or(defaultFor(host_));
    Track::Config config;
    config.rate = host_.rate;
    config.channels = channels_;
    config.block = host_.block;
    config.latency = latencyOf(known, host_.rate);
    config.position = track_ == nullptr ? 0 : track_->position();
    auto track = std::make_shared<Track>(config);
    auto waiter = std::make_unique<HostWaiter>(client_, host_.rate, known.burst, isCalled_);
    const std::shared_ptr<Track> playing = track;

    isCalled_.store(true, std::memory_order_relaxed);
    while (busy_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
    track_.swap(track);
    track_->tell(config.latency);
    waiter_.swap(waiter);
    busy_.store(false, std::memory_order_release);
    isCalled_.store(false, std::memory_order_relaxed);

    lateSeen_ = 0;
    latency_.store(config.latency, std::memory_order_relaxed);
    seen_ = client_.status().agreements;
    const auto problem = client_.play(playing, wish());
    problem_ = problem ? problem->text : "";
}

void Player::ask() {
    seen_ = client_.status().agreements;
    const auto problem = client_.ask(wish());
    problem_ = problem ? problem->text : "";
    isWishNew_.store(true, std::memory_order_release);
}

void Player::takeUp() {
    if (channels_ == 0) return;
    const link::Status status = client_.status();
    if (status.agreed && status.agreements != seen_) {
        const protocol::Configured& agreed = *status.agreed;
        // Hosts compensate one latency for the whole of what they render.
        if (isRendering_ && agreed.latency != latency()) return;
        seen_ = status.agreements;
        // One for a rate or a block that the host had before may come late.
        if (latencyOf(agreed.plan, host_.rate) != agreed.latency) return;
        // What goes on after a refusal is not what is wanted now.
        const protocol::Configure& asked = *status.asked;
        if (std::tie(asked.model, asked.latencyUs, asked.preset) !=
            std::tie(wanted_.model, wanted_.latencyUs, wanted_.preset))
            return;
        const std::optional<protocol::SavedPlan> known = plan(host_);
        if (known && *known != agreed.plan) return;
        if (!wanted_.kept || isKeptFor(host_))
            wanted_.kept = KeptPlan{host_.rate, agreed.plan};
        else
            meanwhile_ = Meanwhile{host_, agreed.plan};
        latency_.store(agreed.latency, std::memory_order_relaxed);
        track_->tell(agreed.latency);
        waiter_->allow(agreed.plan.burst);
    } else if (status.refusalCode == kPlanRefused && isGuess(host_)) {
        // Such as from a machine too slow for the plan that others can keep: let it choose.
        isGuessRefused_ = true;
        ask();
    } else if (status.refusalCode == kPlanRefused && wanted_.kept && !wanted_.preset.empty()) {
        // The preset is another one than when the project was saved: its effects take longer.
        wanted_.kept.reset();
        meanwhile_.reset();
        ask();
    }
}

}  // namespace stembridge
