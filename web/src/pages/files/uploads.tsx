import { List, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { ApiError } from "#/api/problem";
import { useRoom } from "#/room/room";
import { FormDialog } from "#/ui/form";
import { plural } from "#/ui/format";
import { complain, say } from "#/ui/notify";
import { writeContent } from "./content";
import { useRefresh } from "./folders";
import type { Place } from "./place";

interface Batch {
  folder: string;
  files: readonly File[];
}

/** Uploads files into a folder. `dialog` asks before what is there already is replaced. */
export function useUploads(place: Place) {
  const room = useRoom();
  const refresh = useRefresh(place);
  const [clash, setClash] = useState<Batch | null>(null);
  const upload = useMutation({
    mutationFn: async ({ folder, files, over }: Batch & { over: boolean }) => {
      const there: File[] = [];
      for (const file of files) {
        const path = folder === "" ? file.name : `${folder}/${file.name}`;
        try {
          await writeContent(room, place, path, file, over ? "*" : null);
        } catch (error) {
          if (!(error instanceof ApiError) || error.status !== 412 || over) throw error;
          there.push(file);
        }
      }
      return { folder, files: there };
    },
    onSuccess: (left, { files }) => {
      const done = files.length - left.files.length;
      if (done > 0) say(`Uploaded ${plural(done, "file")}`);
      setClash(left.files.length > 0 ? left : null);
    },
    onError: (error) => complain(error, "The upload has stopped"),
    onSettled: refresh,
  });
  const begin = (folder: string, files: readonly File[]) => upload.mutate({ folder, files, over: false });
  const dialog = clash && (
    <FormDialog
      title={`Replace ${plural(clash.files.length, "file")}?`}
      action="Replace"
      busy={upload.isPending}
      error={upload.error}
      fields={[]}
      onSubmit={() => upload.mutate({ ...clash, over: true })}
      onClose={() => setClash(null)}
    >
      <Text size="sm">These names are taken already:</Text>
      <List size="sm" mah={200} style={{ overflow: "auto" }}>
        {clash.files.map(({ name }) => (
          <List.Item key={name}>{name}</List.Item>
        ))}
      </List>
    </FormDialog>
  );
  return { begin, busy: upload.isPending, dialog };
}
