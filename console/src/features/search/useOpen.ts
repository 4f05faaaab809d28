// Opens what was found. An operator's user who opens something of a subscriber works for it from then on.
import { useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import { usePreferences, type Recent } from "../../api/preferences";
import { leaveForms } from "../../components/unsaved";
import { useSession } from "../../session";

const mostRecent = 8;

export function useOpen(close: () => void) {
  const navigate = useNavigate();
  const { user, customerId, workFor } = useSession();
  const [, change] = usePreferences();
  const operator = user?.kind === "operator";
  return useCallback(
    (hit: Recent) => {
      const go = () => {
        change(({ recent = [] }) => ({
          recent: [hit, ...recent.filter(({ kind, ref }) => kind !== hit.kind || ref !== hit.ref)].slice(0, mostRecent),
        }));
        const desk = operator && !customerId;
        switch (hit.kind) {
          case "device":
            return navigate({ to: "/devices/$ref", params: { ref: hit.ref } });
          case "routingProfile":
            return navigate({ to: "/routing/$ref", params: { ref: hit.ref } });
          case "decoder":
            return navigate({ to: "/decoders/$ref", params: { ref: hit.ref } });
          case "subscriber":
            return navigate({ to: "/" });
          case "baseStation":
            return navigate({ to: "/operator/base-stations/$id", params: { id: hit.ref } });
          case "user":
            return navigate({ to: "/operator/users" });
          case "connectivityPlan":
            return navigate({ to: desk ? "/operator/plans" : "/plans" });
          case "deviceProfile":
            return desk
              ? navigate({ to: "/operator/profiles" })
              : navigate({ to: "/devices", search: { deviceProfileId: hit.detail } });
          case "hsmGroup":
            return navigate({ to: "/operator/hsm-groups" });
        }
      };
      close();
      const owner = hit.kind === "user" ? null : hit.customerId;
      if (operator && owner && owner !== customerId)
        leaveForms(() => {
          workFor(owner);
          void go();
        });
      else void go();
    },
    [change, close, customerId, navigate, operator, workFor],
  );
}
