#include "core/stem_buffer.h"

#include <algorithm>
#include <cstddef>

namespace stembridge {

StemBuffer::StemBuffer(const Shape& shape)
    : shape_(shape),
      capacity_(shape.ahead + shape.block + shape.guard),
      stems_(shape.stems * shape.channels, capacity_),
      here_(1, capacity_ + shape.guard),
      around_(static_cast<std::size_t>(shape.block + 2 * shape.guard)),
      weights_(static_cast<std::size_t>(shape.block)) {}

void StemBuffer::restart(std::int64_t position, std::int64_t from) {
    position_ = position;
    from_ = from;
    decided_ = position;
    const std::int64_t first = position - shape_.guard;
    here_.fill({first, here_.capacity()}, 0);
    whole_ = Span::between(first, std::min(from, position + capacity_));
    here_.fill(whole_, 1);
}

std::int64_t StemBuffer::write(std::int64_t start, const float* const* rows, std::int64_t length) {
    const Span open = Span::between(std::max(decided_, from_), position_ + capacity_);
    const Span kept = open.intersect({start, length});
    if (kept.empty()) return 0;
    stems_.write(kept, rows, kept.start - start);
    here_.fill(kept, 1);
    if (kept.start > whole_.stop())
        whole_ = kept;
    else if (kept.stop() >= whole_.start)
        whole_ = Span::between(std::min(whole_.start, kept.start),
                               std::max(whole_.stop(), kept.stop()));
    return kept.length;
}

std::int64_t StemBuffer::missing(Span span) const {
    // Nearly always so, and then there is no need to look.
    if (whole_.start <= span.start && span.stop() <= whole_.stop()) return 0;
    std::int64_t gaps = 0;
    for (const auto part : here_.row(0, here_.place(span))) {
        gaps += std::count(part.begin(), part.end(), std::uint8_t{0});
    }
    return gaps;
}

void StemBuffer::read(const float* const* dry, float* const* out, std::int64_t length) {
    const std::int64_t gaps = missing(around(length));
    if (gaps > 0) weigh(length);
    stems_.read({position_, length}, out);
    const std::int64_t silent = std::clamp<std::int64_t>(from_ - position_, 0, length);
    for (std::int64_t row = 0; silent > 0 && row < stems_.rows(); ++row)
        std::fill_n(out[row], silent, 0.0f);
    if (gaps > 0) blend(dry, out, length);
    here_.fill({position_ - shape_.guard, length}, 0);
    position_ += length;
    decided_ = std::max(decided_, position_ + shape_.guard);
}

/// Fills `weights_` for the next `length` frames: once forwards, for the gaps before a frame, and
/// once backwards, for those behind it.
void StemBuffer::weigh(std::int64_t length) {
    const std::int64_t guard = shape_.guard, whole = guard + 1;
    std::uint8_t* const here = around_.data();
    here_.read(around(length), &here);
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
