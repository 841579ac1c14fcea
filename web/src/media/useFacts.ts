import { useEffect, useState } from "react";
import type { FileFacts } from "../api/types";
import { useSession } from "../editor/context";

/** What a file is: null while that is asked, and a reason when the server cannot tell. */
export type Known = FileFacts | { readonly kind: "unknown"; readonly reason: string } | null;

export function useFacts(src: string | null): Known {
  const { services } = useSession();
  const [known, setKnown] = useState<{ src: string; facts: Known } | null>(null);
  useEffect(() => {
    if (src === null) return;
    let gone = false;
    const learn = (facts: Known) => !gone && setKnown({ src, facts });
    services
      .facts(src)
      .then(learn, (error: unknown) =>
        learn({ kind: "unknown", reason: error instanceof Error ? error.message : String(error) }),
      );
    return () => {
      gone = true;
    };
  }, [src, services]);
  return known?.src === src ? known.facts : null;
}
