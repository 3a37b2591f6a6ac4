-- Healthy when the images are there, Degraded when a person must act, Suspended when one suspended it.
local health = {status = "Progressing", message = "waits for the operator"}
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end
if status.observedGeneration ~= obj.metadata.generation then
  health.message = "waits for the operator to see the change"
  return health
end
local condition = {}
for _, one in ipairs(status.conditions) do
  condition[one.type] = one
end
local function holds(kind)
  return condition[kind] ~= nil and condition[kind].status == "True"
end
health.message = status.message
if holds("Stalled") then
  health.status = "Degraded"
  health.message = condition.Stalled.reason .. ": " .. (condition.Stalled.message or "")
elseif holds("Failed") then
  health.status = "Degraded"
elseif holds("Complete") then
  health.status = "Healthy"
elseif holds("Suspended") then
  health.status = "Suspended"
end
return health
