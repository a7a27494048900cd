-- Reads what an audio track plays, and writes it into a WAV file. Gives the function that does so, and how
-- many bytes of samples such a file holds.

-- Frames that are read at once, and at most twice as many at the end: what Ardour makes of a fade
-- depends a little on where its reading is cut, so that no fade of usual length is.
local BLOCK = 131072
local PACKED = 4096 -- samples that string.pack is given at once
local MOST_BYTES = 0xFFFFFFFF - 100

-- The head of a WAV file of 32-bit floats.
local function wav_head(channels, rate, frames)
  local size = frames * channels * 4
  return string.pack("<c4I4c4c4I4I2I2I4I4I2I2I2c4I4I4c4I4", "RIFF", size + 50, "WAVE", "fmt ", 18, 3,
                     channels, rate, rate * channels * 4, channels * 4, 32, 0, "fact", 4, frames, "data", size)
end

-- Samples (any number, interleaved) as the bytes of 32-bit floats.
local function packed(samples)
  local parts, format = {}, "<" .. ("f"):rep(PACKED)
  for first = 1, #samples, PACKED do
    local last = math.min(first + PACKED - 1, #samples)
    if last - first + 1 < PACKED then format = "<" .. ("f"):rep(last - first + 1) end
    parts[#parts + 1] = string.pack(format, table.unpack(samples, first, last))
  end
  return table.concat(parts)
end

-- A function of (first frame, count) that gives what the track plays there, interleaved.
local function reader(part)
  local playlist = part.track:playlist():to_audioplaylist()
  local heard, mixed, gain = ARDOUR.DSP.DspShm(2 * BLOCK), ARDOUR.DSP.DspShm(2 * BLOCK), ARDOUR.DSP.DspShm(2 * BLOCK)
  return function(at, count)
    local samples = {}
    for channel = 1, part.channels do
      heard:clear() -- where nothing plays nothing is written
      playlist:read(heard:to_float(0), mixed:to_float(0), gain:to_float(0), Temporal.timepos_t(at),
                    Temporal.timecnt_t.from_samples(count), channel - 1)
      for index, sample in ipairs(heard:to_float(0):get_table(count)) do
        samples[(index - 1) * part.channels + channel] = sample
      end
    end
    return samples
  end
end

-- Writes what the track plays where the region is. tick(share done) returns true to stop it.
-- Returns whether all of it was written.
local function write_audio(part, path, tick)
  local file = io.open(path, "wb")
  if not file then error(path .. " cannot be written: see to the session's folder.", 0) end
  local read = reader(part)
  local written = file:write(wav_head(part.channels, Session:nominal_sample_rate(), part.length))
  local at, stopped = 0, false
  while written and at < part.length and not stopped do
    local left = part.length - at
    local count = left > 2 * BLOCK and BLOCK or left
    written = file:write(packed(read(part.start + at, count)))
    at = at + count
    stopped = tick(at / part.length)
  end
  if not (file:close() and written) then error(path .. " cannot be written: free some space.", 0) end
  return not stopped
end

return write_audio, MOST_BYTES
