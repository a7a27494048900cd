#include "plugin/processor.h"

#include <cmath>

#include "plugin/editor.h"

namespace stembridge {
namespace {

// How often we look for what was granted, and tell the host.
constexpr int kFollowHertz = 20;

HostFrames framesOf(double rate, int block) { return {std::llround(rate), std::max(1, block)}; }

// Of the host, for the sidecar's reports.
std::string hostName() {
    const juce::PluginHostType host;
    const juce::String name = host.getHostDescription();
    return (name == "Unknown" ? juce::String("a host") : name).toStdString();
}

}  // namespace

Processor::BusesProperties Processor::buses() {
    const auto stereo = juce::AudioChannelSet::stereo();
    auto made = BusesProperties().withInput("Input", stereo).withOutput("Main", stereo);
    for (const char* title : kBusTitles) made = made.withOutput(title, stereo);
    return made;
}

Processor::Processor() : AudioProcessor(buses()), parameters(*this), player_(hostName()) {
    narrow_.resize(kRows * static_cast<std::size_t>(kPiece));
    unheard_.resize(kRows * static_cast<std::size_t>(kPiece));
    for (auto& row : inputs_) row = kNoRow;
    for (auto& row : outputs_) row = kNoRow;
    startTimerHz(kFollowHertz);
}

Processor::~Processor() { stopTimer(); }

bool Processor::isBusesLayoutSupported(const BusesLayout& layout) const {
    // Hosts made with JUCE read the latency after this question, and before they prepare us.
    const_cast<Processor*>(this)->announce();
    const auto mono = juce::AudioChannelSet::mono(), stereo = juce::AudioChannelSet::stereo();
    const auto in = layout.getMainInputChannelSet(), out = layout.getMainOutputChannelSet();
    if (layout.inputBuses.size() != 1 || layout.outputBuses.size() != 1 + int{kBuses}) return false;
    for (int bus = 1; bus < layout.outputBuses.size(); ++bus) {
        const auto& stem = layout.outputBuses.getReference(bus);
        if (!stem.isDisabled() && stem != stereo) return false;
    }
    return (in == mono && (out == mono || out == stereo)) || (in == stereo && out == stereo);
}

void Processor::prepareToPlay(double rate, int block) {
    const auto rowOf = [this](bool isInput, int bus, int channel) {
        return getChannelCountOfBus(isInput, bus) > channel
                   ? static_cast<std::size_t>(
                         getChannelIndexInProcessBlockBuffer(isInput, bus, channel))
                   : kNoRow;
    };
    for (std::size_t row = 0; row < kInputs; ++row)
        inputs_[row] = rowOf(true, 0, static_cast<int>(row));
    for (std::size_t row = 0; row < kOutputs; ++row)
        outputs_[row] = rowOf(false, static_cast<int>(row) / 2, static_cast<int>(row) % 2);
    rate_ = rate;
    isAnnounced_ = false;
    player_.prepare(framesOf(rate, block), getMainBusNumInputChannels() == 1 ? 1 : 2,
                    isNonRealtime());
    setLatencySamples(static_cast<int>(player_.latency()));
}

void Processor::processBlock(juce::AudioBuffer<float>& buffer, juce::MidiBuffer&) {
    process(buffer, false);
}

void Processor::processBlock(juce::AudioBuffer<double>& buffer, juce::MidiBuffer&) {
    process(buffer, false);
}

void Processor::processBlockBypassed(juce::AudioBuffer<float>& buffer, juce::MidiBuffer&) {
    process(buffer, true);
}

void Processor::processBlockBypassed(juce::AudioBuffer<double>& buffer, juce::MidiBuffer&) {
    process(buffer, true);
}

template <typename Sample>
void Processor::process(juce::AudioBuffer<Sample>& buffer, bool isBypassed) {
    const juce::ScopedNoDenormals noDenormals;
    Controls controls = parameters.controls();
    controls.bypass = controls.bypass || isBypassed;

    const int count = std::min(buffer.getNumChannels(), static_cast<int>(kRows));
    for (int done = 0; done < buffer.getNumSamples(); done += kPiece) {
        const int frames = std::min(kPiece, buffer.getNumSamples() - done);
        Rows rows{};
        Sample* const* const channels = buffer.getArrayOfWritePointers();
        for (int channel = 0; channel < count; ++channel) {
            float*& row = rows[static_cast<std::size_t>(channel)];
            if constexpr (std::is_same_v<Sample, float>) {
                row = channels[channel] + done;
            } else {
                row = narrow_.data() + channel * kPiece;
                const Sample* const from = channels[channel] + done;
                std::transform(from, from + frames, row,
                               [](Sample s) { return static_cast<float>(s); });
            }
        }
        playPiece(rows, frames, controls, buffer.getNumSamples());
        if constexpr (!std::is_same_v<Sample, float>) {
            for (int channel = 0; channel < count; ++channel)
                std::copy_n(rows[static_cast<std::size_t>(channel)], frames,
                            channels[channel] + done);
        }
    }
}

void Processor::playPiece(const Rows& rows, int frames, const Controls& controls, int atOnce) {
    std::array<const float*, kInputs> input{};
    for (std::size_t channel = 0; channel < kInputs; ++channel)
        input[channel] = rows[inputs_[channel].load(std::memory_order_relaxed)];
    // A mono track has one input; its player asks for no more.
    if (input[1] == nullptr) input[1] = input[0];
    const Outputs out = outputs(rows);
    const Rendering rendering{isNonRealtime(), parameters.offlineChoice(), atOnce};
    const bool isPlayed =
        input[0] != nullptr && player_.process(input.data(), out, frames, controls, rendering);
    if (!isPlayed) {
        for (float* const row : rows)
            if (row != nullptr) std::fill_n(row, frames, 0.0F);
    } else if (isMetering.load(std::memory_order_relaxed)) {
        measure(out, frames);
    }
}

Outputs Processor::outputs(const Rows& rows) {
    const auto rowOf = [&](std::size_t output) {
        return rows[outputs_[output].load(std::memory_order_relaxed)];
    };
    Outputs out;
    out.main = {rowOf(0), rowOf(1)};
    for (std::size_t bus = 0; bus < kBuses; ++bus)
        out.stems[bus] = {rowOf(2 * bus + 2), rowOf(2 * bus + 3)};
    if (!isMetering.load(std::memory_order_relaxed)) return out;
    float* unheard = unheard_.data();
    for (Outputs::Channels& channels : out.stems) {
        for (float*& channel : channels) {
            if (channel == nullptr) channel = unheard;
            unheard += kPiece;
        }
    }
    return out;
}

void Processor::measure(const Outputs& out, int frames) {
    const auto take = [this, frames](std::size_t bus, const Outputs::Channels& channels) {
        float peak = peaks_[bus].load(std::memory_order_relaxed);
        for (const float* const channel : channels) {
            if (channel == nullptr) continue;
            const auto range = juce::FloatVectorOperations::findMinAndMax(channel, frames);
            peak = std::max({peak, -range.getStart(), range.getEnd()});
        }
        peaks_[bus].store(peak, std::memory_order_relaxed);
    };
    for (std::size_t bus = 0; bus < kBuses; ++bus) take(bus, out.stems[bus]);
    take(kBuses, out.main);
}

double Processor::getTailLengthSeconds() const {
    const double rate = this->rate();
    return rate > 0 ? std::ceil(static_cast<double>(player_.latency()) + rate / 10) / rate : 0;
}

// Tells the latency for the rate and block that the host has just set.
void Processor::announce() {
    if (getSampleRate() <= 0) return;
    const HostFrames host = framesOf(getSampleRate(), getBlockSize());
    const std::int64_t frames = player_.latencyFor(host);
    isAnnounced_ = frames != player_.latency();
    setLatencySamples(static_cast<int>(frames));
}

// Never on the audio thread, which takes up new plans by itself.
void Processor::follow() {
    player_.follow();
    if (isMixAwaited_) takeMix();
    if (!isAnnounced_) setLatencySamples(static_cast<int>(player_.latency()));
}

void Processor::takeMix() {
    const std::string preset = player_.wanted().preset;
    const link::Status status = player_.status();
    if (!status.asked || !status.agreed || status.asked->preset != preset) return;
    isMixAwaited_ = false;
    if (!status.agreed->gains.empty()) parameters.mix(status.agreed->sources, status.agreed->gains);
}

bool Processor::isKeptForNewer() {
    const std::lock_guard lock(newerMutex_);
    if (!newer_) return false;
    const Wanted wanted = player_.wanted();
    const bool isSame =
        wanted.model == newer_->wanted.model && wanted.latencyUs == newer_->wanted.latencyUs &&
        wanted.preset == newer_->wanted.preset && parameters.values() == newer_->parameters;
    if (!isSame) newer_.reset();
    return isSame;
}

void Processor::getStateInformation(juce::MemoryBlock& data) {
    if (isKeptForNewer()) {
        const std::lock_guard lock(newerMutex_);
        if (newer_) return data.replaceAll(newer_->data.data(), newer_->data.size());
    }
    const std::string text = encodeState({player_.wanted(), parameters.values(), editorSize});
    data.replaceAll(text.data(), text.size());
}

void Processor::setStateInformation(const void* data, int size) {
    if (data == nullptr || size <= 0) return;
    const auto state =
        decodeState({static_cast<const char*>(data), static_cast<std::size_t>(size)});
    if (!state) return;
    isMixAwaited_ = false;  // a project's faders are its own
    parameters.setValues(state->parameters);
    editorSize = state->editor;
    player_.restore(state->wanted);
    if (rate() > 0) setLatencySamples(static_cast<int>(player_.latency()));
    const std::lock_guard lock(newerMutex_);
    newer_.reset();
    if (state->isNewer)
        newer_ = Newer{std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)),
                       state->wanted, parameters.values()};
}

juce::AudioProcessorEditor* Processor::createEditor() { return new Editor(*this); }

}  // namespace stembridge

juce::AudioProcessor* JUCE_CALLTYPE createPluginFilter() { return new stembridge::Processor(); }
