#include "core/stem_buffer.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace stembridge {

StemBuffer::StemBuffer(const Shape& shape)
    : shape_(shape),
      room_(shape.ahead + shape.block + shape.guard),
      stems_(shape.stems * shape.channels, room_ + shape.guard),
      here_(1, room_ + shape.guard),
      around_(static_cast<std::size_t>(shape.block + 2 * shape.guard)),
      weights_(static_cast<std::size_t>(shape.block)) {}

std::int64_t StemBuffer::write(std::int64_t start, const float* const* rows, std::int64_t length) {
    // The audio thread looks at nothing before `due - guard` any more, nor from `end` on.
    const std::int64_t due = due_.load(std::memory_order_acquire);
    const std::int64_t end = end_.load(std::memory_order_relaxed);
    const std::int64_t full = due + room_;
    const Span taken = Span::between(std::max(due, end), full).intersect({start, length});
    if (!taken.empty()) {
        here_.fill(Span::between(std::max(due - shape_.guard, end), taken.start), 0);
        here_.fill(taken, 1);
        stems_.write(taken, rows, taken.start - start);
        if (taken.start > end) since_.store(taken.start, std::memory_order_relaxed);
        end_.store(taken.stop(), std::memory_order_release);
    }
    return std::clamp<std::int64_t>(full - start, 0, length);
}

void StemBuffer::restart(std::int64_t position, std::int64_t from) {
    from_ = from;
    decided_ = position;
    moveTo(position);
}

/// Leaves frames before `position - guard` to the link thread.
void StemBuffer::moveTo(std::int64_t position) {
    position_ = position;
    due_.store(position, std::memory_order_release);
}

void StemBuffer::look() {
    const std::int64_t end = end_.load(std::memory_order_acquire);
    // What has come since it was decided to be late stays away.
    const std::int64_t first = std::max(seen_, position_ - shape_.guard);
    const Span late = Span::between(first, std::min(decided_, end));
    seen_ = end;
    whole_ = std::max(whole_, since_.load(std::memory_order_relaxed));
    if (late.empty()) return;
    here_.fill(late, 0);
    whole_ = std::max(whole_, late.stop());
}

bool StemBuffer::isWhole(std::int64_t length) const {
    const Span span = around(length);
    // Nearly always no gap is near, and nothing has to be counted.
    const bool isPastGaps = span.stop() <= seen_ && std::max(span.start, from_) >= whole_;
    return isPastGaps || missing(span) == 0;
}

std::int64_t StemBuffer::missing(Span span) const {
    const Span asked = Span::between(std::max(span.start, from_), span.stop()), known = kept(asked);
    std::int64_t gaps = asked.length - known.length;
    for (const auto part : here_.row(0, here_.place(known)))
        // Nearly always there is none, and to find that out takes less than to count.
        if (std::memchr(part.data(), 0, part.size()) != nullptr)
            gaps += std::count(part.begin(), part.end(), std::uint8_t{0});
    return gaps;
}

void StemBuffer::read(const float* const* dry, float* const* out, std::int64_t length) {
    const Span next{position_, length}, known = kept(next);
    const bool isWhole = this->isWhole(length);
    for (std::int64_t row = 0; known != next && row < stems_.rows(); ++row)
        std::fill_n(out[row], length, 0.0f);
    stems_.read(known, out, known.start - position_);
    if (!isWhole) [[unlikely]] {
        weigh(length);
        blend(dry, out, length);
    }
    moveTo(next.stop());
    decided_ = std::max(decided_, position_ + shape_.guard);
}

/// Fills `weights_` for the next `length` frames: once forwards, for the gaps before a frame, and
/// once backwards, for those behind it.
void StemBuffer::weigh(std::int64_t length) {
    const std::int64_t guard = shape_.guard, whole = guard + 1;
    const Span all = around(length), known = kept(all);
    std::uint8_t* const here = around_.data();
    std::fill_n(here, all.length, std::uint8_t{0});
    std::fill_n(here, all.intersect(Span::between(all.start, from_)).length, std::uint8_t{1});
    here_.read(known, &here, known.start - all.start);
    std::int64_t distance = whole;
    for (std::int64_t frame = 0; frame < guard + length; ++frame) {
        distance = here[frame] ? std::min(distance + 1, whole) : 0;
        if (frame < guard) continue;
        weights_[static_cast<std::size_t>(frame - guard)] = static_cast<float>(distance);
    }
    distance = whole;
    for (std::int64_t frame = length + 2 * guard - 1; frame >= guard; --frame) {
        distance = here[frame] ? std::min(distance + 1, whole) : 0;
        if (frame >= guard + length) continue;
        float& weight = weights_[static_cast<std::size_t>(frame - guard)];
        weight = std::min(weight, static_cast<float>(distance)) / static_cast<float>(whole);
    }
}

void StemBuffer::blend(const float* const* dry, float* const* out, std::int64_t length) const {
    const float* const weights = weights_.data();
    for (std::int64_t row = 0; row < stems_.rows(); ++row) {
        float* const to = out[row];
        // What lies in a gap is left from before, and may be anything.
        for (std::int64_t frame = 0; frame < length; ++frame)
            to[frame] = weights[frame] > 0 ? to[frame] * weights[frame] : 0.0f;
    }
    for (std::int64_t channel = 0; dry != nullptr && channel < shape_.channels; ++channel) {
        float* const to = out[shape_.carrier * shape_.channels + channel];
        for (std::int64_t frame = 0; frame < length; ++frame)
            to[frame] += dry[channel][frame] * (1 - weights[frame]);
    }
}

}  // namespace stembridge
