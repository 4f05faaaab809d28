// What devices are made of, for choices and names.
import { $api } from "./queries";

const long = { staleTime: 60_000 };

export function usePlans() {
  return $api.useQuery("get", "/data/lora/thingpark/connectivityPlans", undefined, long).data ?? [];
}

export function useProfiles() {
  return $api.useQuery("get", "/data/lora/thingpark/deviceProfiles", undefined, long).data ?? [];
}

export function useRouting() {
  return $api.useQuery("get", "/data/lora/thingpark/routingProfiles", undefined, long).data ?? [];
}

export function useHsmGroups() {
  return $api.useQuery("get", "/data/lora/thingpark/hsmGroups", undefined, long).data ?? [];
}

export interface Named {
  id?: string;
  name?: string;
}

export function options(items: Named[]): { value: string; label: string }[] {
  return items.flatMap((item) => (item.id ? [{ value: item.id, label: item.name || item.id }] : []));
}
