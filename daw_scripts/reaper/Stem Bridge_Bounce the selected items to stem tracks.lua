-- @description Stem Bridge: bounce the selected items to stem tracks
-- @version 1.0
-- @author Stem Bridge
-- @about
--   Separates what the selected items show of their files into stems, each on a new track below and in
--   the same place to the sample, and mutes the items. One undo step takes all of it back.
--   Needs the stembridge command: `stembridge plugin install` once in a terminal tells where it is.
-- @provides
--   [nomain] stembridge_reaper.lua
--   [nomain] stembridge_reaper_bounce.lua
--   [nomain] ../common/stembridge_job.lua > stembridge_job.lua
--   [nomain] ../common/stembridge_json.lua > stembridge_json.lua

local options = {
  command = "",       -- the path of stembridge; "" finds it by itself
  model = "",         -- of `stembridge models list`, or a path to weights; "" as config.toml says
  preset = "",        -- of `stembridge presets list`, such as "karaoke", or a file; "" is none
  stems = {},         -- such as { "vocals", "drums" }; {} is all that the model has
  format = "wav",     -- or flac, aiff, ogg, mp3
  bits = "32f",       -- of a sample: 16, 24, 32f for wav; "" where the format has no choice
  mute_items = true,  -- else items and stems are heard together
  extra = {},         -- more words for `stembridge bounce`, such as { "--shifts", "2" }
}

local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
dofile(folder .. "stembridge_reaper.lua")(folder).run("stembridge_reaper_bounce.lua", options)
