-- What a condition says is wrong; a folder of which nothing is said is taken as well.
local health = {status = "Healthy", message = ""}
if obj.status == nil or obj.status.conditions == nil then
  return health
end
for _, one in ipairs(obj.status.conditions) do
  if (one.type == "Ready" and one.status == "False") or (one.type == "Stalled" and one.status == "True") then
    health.status = "Degraded"
    health.message = one.reason .. ": " .. (one.message or "")
    return health
  end
end
return health
