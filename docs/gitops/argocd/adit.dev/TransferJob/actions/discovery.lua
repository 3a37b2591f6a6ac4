-- Which of the verbs make sense now; the operator has the last word.
local phase = obj.status ~= nil and obj.status.phase or nil
local finished = phase == "Success" or phase == "Warning" or phase == "Failure" or phase == "Canceled"
local suspended = obj.spec.suspend == true
local ending = obj.spec.shutdown ~= nil
local actions = {}
actions["suspend"] = {disabled = finished or suspended or ending}
actions["resume"] = {disabled = finished or not suspended or ending}
actions["cancel"] = {disabled = finished or ending}
actions["retry"] = {disabled = phase ~= "Failure" and phase ~= "Warning" and phase ~= "Canceled"}
return actions
