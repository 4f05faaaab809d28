// Leads to the device or multicast group of an alarm.
import type { Schemas } from "../../api/client";
import { DeviceLink } from "../../components/basics";
import { TextLink } from "../../components/links";

export function SubjectLink({ alarm }: { alarm: Schemas["AlarmLine"] }) {
  const name = alarm.deviceName || alarm.deviceEUI;
  if (alarm.multicastGroupRef)
    return (
      <TextLink to="/groups/$ref" params={{ ref: alarm.multicastGroupRef }} inherit>
        {name}
      </TextLink>
    );
  return alarm.deviceRef ? <DeviceLink deviceRef={alarm.deviceRef} name={alarm.deviceName} /> : <>{name}</>;
}
