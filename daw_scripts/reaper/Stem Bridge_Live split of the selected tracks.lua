-- @description Stem Bridge: live split of the selected tracks
-- @version 1.0
-- @author Stem Bridge
-- @about
--   Puts the Stem Bridge plugin on each selected track, and makes a track for each stem below it. The
--   track is then heard through these alone. One undo step takes all of it back.
-- @provides
--   [nomain] stembridge_reaper.lua
--   [nomain] stembridge_reaper_live.lua

local options = {
  -- Of the plugin's buses: vocals, drums, bass, other, and with models that have them guitar and
  -- piano. What is left out is not heard.
  stems = { "vocals", "drums", "bass", "other" },
}

local folder = select(2, reaper.get_action_context()):match("^(.*[/\\])")
dofile(folder .. "stembridge_reaper.lua")(folder).run("stembridge_reaper_live.lua", options)
