#include "core/track.h"

#include <algorithm>
#include <utility>

#include "core/rates.h"

namespace stembridge {

namespace {

/// How long a gain takes from one value to the next: too short clicks, too long drags.
constexpr std::int64_t kRampUs = 10'000;

/// Input that fits while the link thread does something else, such as starting the sidecar.
constexpr std::int64_t kInputUs = 1'000'000;

/// Rows of scratch memory: of stems and main for buses that the host leaves out, and our own.
constexpr std::size_t kMainRow = kBuses * 2, kCleanRow = kMainRow + 2, kDryRow = kCleanRow + 2;
constexpr std::size_t kScratchRows = kDryRow + 2;

std::int64_t rampFrames(std::int64_t rate) { return ceilScaled(kRampUs, kMicroseconds, rate); }

std::size_t inputRecords(const Track::Config& config) {
    const std::int64_t frames = ceilScaled(kInputUs, kMicroseconds, config.rate);
    return static_cast<std::size_t>(frames / config.block + 4);
}

void add(std::atomic<std::int64_t>& count, std::int64_t more) {
    // Only the audio thread writes it.
    count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

}  // namespace

Outputs Outputs::from(std::int64_t offset) const {
    Outputs moved = *this;
    const auto move = [offset](Channels& channels) {
        for (float*& channel : channels)
            if (channel != nullptr) channel += offset;
    };
    move(moved.main);
    for (Channels& channels : moved.stems) move(channels);
    return moved;
}

Track::Track(const Config& config)
    : channels_(config.channels),
      block_(config.block),
      early_(ceilScaled(kInputUs / 2, kMicroseconds, config.rate)),
      playback_(std::make_unique<Playback>(0, config.latency, 0, Lanes{}, channels_, block_)),
      mixer_(rampFrames(config.rate)),
      bypass_(rampFrames(config.rate)),
      scratch_(kScratchRows * static_cast<std::size_t>(block_)),
      position_(config.position),
      begin_(config.position),
      step_(static_cast<std::size_t>(channels_ * kStepFrames) * kBuses),
      input_(inputRecords(config), static_cast<std::size_t>(channels_ * block_)),
      nextFrame_(position_),
      due_(position_ - config.latency),
      latency_(config.latency) {
    playback_->stems.restart(position_ - config.latency, begin_);
}

Track::~Track() = default;

void Track::process(const float* const* input, const Outputs& out, std::int64_t frames,
                    const Controls& controls, Waiter* waiter) {
    // Nearly always, and a thread that slept has to fetch each line of code it runs.
    if (frames <= block_) return processPiece(input, 0, out, frames, controls, waiter);
    for (std::int64_t done = 0; done < frames; done += block_) {
        const std::int64_t piece = std::min(block_, frames - done);
        processPiece(input, done, out.from(done), piece, controls, waiter);
    }
}

void Track::processPiece(const float* const* input, std::int64_t offset, const Outputs& out,
                         std::int64_t frames, const Controls& controls, Waiter* waiter) {
    if (resetAsked_.load(std::memory_order_relaxed) &&
        resetAsked_.exchange(false, std::memory_order_acquire))
        restart();
    takePlan(waiter);
    follow(controls);
    // The outputs may lie where the input does: it is read first.
    takeInput(input, offset, frames, waiter);
    StemBuffer& stems = playback_->stems;
    stems.look();
    if (waiter != nullptr && !isBypassed()) waitForStems(frames, *waiter);
    const bool isWhole = stems.isWhole(frames);
    if (!isWhole) countMissing(frames);
    if (!isWhole || !bypass_.isSteady() || isBypassed()) readDry(frames);
    if (isBypassed())
        passBy(out, frames);
    else
        play(out, frames, controls);
    due_.store(stems.position(), std::memory_order_relaxed);
}

void Track::restart() {
    ++epoch_;
    begin_ = position_;
    lost_ = {};
    jump_ = true;
    playback_->stems.restart(position_ - playback_->latency, begin_);
}

void Track::takePlan(Waiter* waiter) {
    Playback* next = handover_.take();
    const auto mayCome = [this] { return coming_ == nullptr && playback_->number == 0; };
    while (next == nullptr && mayCome() && waiter != nullptr && waiter->wait())
        next = handover_.take();
    if (next != nullptr) {
        if (coming_ != nullptr) handover_.giveBack(coming_.release());
        coming_.reset(next);
    }
    if (coming_ == nullptr) return;
    const std::int64_t told = told_.load(std::memory_order_acquire);
    if (told != kAny && told != coming_->latency) return;
    coming_->follow(*playback_, position_, begin_);
    handover_.giveBack(playback_.release());
    playback_ = std::move(coming_);
    latency_.store(playback_->latency, std::memory_order_relaxed);
}

void Track::follow(const Controls& controls) {
    const float bypass = controls.bypass ? 1.0f : 0.0f;
    if (jump_) {
        mixer_.jump();
        bypass_.jump(bypass);
        jump_ = false;
    }
    mixer_.follow(controls.strips);
    bypass_.aim(bypass);
}

/// Takes the next frames: for the link, and to be heard where there are no stems.
void Track::takeInput(const float* const* input, std::int64_t offset, std::int64_t frames,
                      Waiter* waiter) {
    float* room = input_.reserve(channels_, frames);
    while (room == nullptr && waiter != nullptr && waiter->wait())
        room = input_.reserve(channels_, frames);

    std::array<const float*, 2> clean{};
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels_); ++channel) {
        const float* const from = input[channel] + offset;
        float* const to = room != nullptr ? room + static_cast<std::int64_t>(channel) * frames
                                          : scratch(kCleanRow + channel);
        copyFinite(from, frames, to);
        clean[channel] = to;
    }
    playback_->dry.write({position_, frames}, clean.data());

    const bool followsLost = !lost_.empty() && lost_.stop() == position_;
    if (room == nullptr) {
        const bool isFirst = lost_.empty() || lost_.stop() <= playback_->stems.position();
        lost_ = Span::between(isFirst ? position_ : lost_.start, position_ + frames);
    } else {
        // What was lost before makes this the beginning of another stretch.
        if (followsLost) ++epoch_;
        input_.commit({position_, epoch_, playback_->number});
    }
    position_ += frames;
    nextFrame_.store(position_, std::memory_order_relaxed);
}

void Track::waitForStems(std::int64_t frames, Waiter& waiter) {
    StemBuffer& stems = playback_->stems;
    // What was late before the host began to wait is so for good: it fades into the gap already.
    const std::int64_t first = std::max(stems.decided(), playback_->awaited);
    const std::int64_t needed = stems.position() + frames + playback_->guard;
    const Span span = Span::between(first, std::min(needed, position_));
    const Span lost = lost_.intersect(span);
    // None come by this plan once there is another.
    const auto isOver = [this] { return coming_ != nullptr || handover_.isWaiting(); };
    while (stems.missing(span) > stems.missing(lost) && !isOver() && waiter.wait()) stems.look();
}

void Track::countMissing(std::int64_t frames) {
    const StemBuffer& stems = playback_->stems;
    const Span next{stems.position(), frames};
    add(replaced_, stems.missing(next));
    if (!running_.load(std::memory_order_relaxed)) return;
    add(late_,
        stems.missing(Span::between(std::max(next.start, playback_->promised), next.stop())));
}

void Track::play(const Outputs& out, std::int64_t frames, const Controls& controls) {
    const std::array<const float*, 2> dry{scratch(kDryRow), scratch(kDryRow + 1)};

    const auto channels = static_cast<std::size_t>(channels_);
    std::array<std::array<float*, kBuses>, 2> stems{};  // by channel
    Rows rows{};
    std::size_t row = 0;
    for (const Bus bus : playback_->lanes.buses()) {
        for (std::size_t channel = 0; channel < channels; ++channel, ++row) {
            float* const given = out.stems[indexOf(bus)][channel];
            rows[row] = given != nullptr ? given : scratch(row);
            stems[channel][indexOf(bus)] = rows[row];
        }
    }
    playback_->stems.read(controls.silenceWhenLate ? nullptr : dry.data(), rows.data(), frames);

    for (std::size_t channel = 0; channel < channels; ++channel) {
        float* const given = out.main[channel];
        float* const main = given != nullptr ? given : scratch(kMainRow + channel);
        mixer_.mix(stems[channel], main, frames, controls.stemsPostFader);
        if (!bypass_.isSteady()) fadeToDry(main, stems[channel], dry[channel], frames);
    }
    mixer_.advance(frames);
    bypass_.advance(frames);
    finish(out, stems[0], frames);
}

/// Plays the delayed input, and leaves the stems of these frames as if they were silent ones: what
/// follows does not fade in after them, as it would after late ones.
void Track::passBy(const Outputs& out, std::int64_t frames) {
    for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels_); ++channel)
        if (out.main[channel] != nullptr)
            std::copy_n(scratch(kDryRow + channel), frames, out.main[channel]);
    const std::int64_t next = playback_->stems.position() + frames;
    playback_->stems.restart(next, std::max(begin_, next));
    mixer_.advance(frames);
    finish(out, {}, frames);
}

/// Fills what is left: buses without stems, and the other channel of a track that has one.
void Track::finish(const Outputs& out, const std::array<float*, kBuses>& stems,
                   std::int64_t frames) const {
    for (std::size_t bus = 0; bus < kBuses; ++bus) {
        for (float* const channel : out.stems[bus])
            if (stems[bus] == nullptr && channel != nullptr) std::fill_n(channel, frames, 0.0f);
    }
    if (channels_ == 2) return;
    const auto copy = [frames](const Outputs::Channels& channels) {
        if (channels[0] != nullptr && channels[1] != nullptr)
            std::copy_n(channels[0], frames, channels[1]);
    };
    copy(out.main);
    for (std::size_t bus = 0; bus < kBuses; ++bus)
        if (stems[bus] != nullptr) copy(out.stems[bus]);
}

void Track::readDry(std::int64_t frames) {
    const std::array<float*, 2> to{scratch(kDryRow), scratch(kDryRow + 1)};
    const std::int64_t start = playback_->stems.position();
    playback_->dry.read({start, frames}, to.data());
    const std::int64_t silent = std::clamp<std::int64_t>(begin_ - start, 0, frames);
    for (float* const channel : to) std::fill_n(channel, silent, 0.0f);
}

void Track::fadeToDry(float* main, const std::array<float*, kBuses>& stems, const float* dry,
                      std::int64_t frames) const {
    for (std::int64_t frame = 0; frame < frames; ++frame) {
        const float share = bypass_.at(frame);
        main[frame] = main[frame] * (1 - share) + dry[frame] * share;
        for (float* const stem : stems)
            if (stem != nullptr) stem[frame] *= 1 - share;
    }
}

}  // namespace stembridge
