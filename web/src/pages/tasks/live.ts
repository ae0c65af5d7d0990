import { type InfiniteData, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { TaskDetailView, TaskPage, TaskStatus, TaskView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { isOver } from "./status";

export type TaskPages = InfiniteData<TaskPage, string>;

/** The key of the list of tasks of a status; null for all. */
export function listKey(workspaceId: string, status: TaskStatus | null): readonly unknown[] {
  return roomKey(workspaceId, "tasks", "list", status);
}

/** The key of one task. */
export function taskKey(workspaceId: string, taskId: string): readonly unknown[] {
  return roomKey(workspaceId, "tasks", taskId);
}

/** Keeps a list of tasks as the room's events tell it, while a page shows it. */
export function useLiveTasks(status: TaskStatus | null): void {
  const { workspaceId, live } = useRoom();
  const queries = useQueryClient();
  useEffect(() => {
    const key = listKey(workspaceId, status);
    const stops = [
      live.on("task", ({ data }) => {
        const task: TaskView = JSON.parse(data);
        queries.setQueryData<TaskPages>(key, (pages) => pages && withTask(pages, task, status));
      }),
      // The stream has begun anew: what happened meanwhile was not told.
      live.on("ready", () => void queries.invalidateQueries({ queryKey: key })),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [workspaceId, live, queries, status]);
}

/** Keeps one task so. Its result is not told, so it is asked for when the task has ended. */
export function useLiveTask(taskId: string): void {
  const { workspaceId, live } = useRoom();
  const queries = useQueryClient();
  useEffect(() => {
    const stops = [
      live.on("task", ({ data }) => {
        const task: TaskView = JSON.parse(data);
        if (task.taskId === taskId) takeTask(queries, task);
      }),
      live.on("ready", () => void queries.invalidateQueries({ queryKey: taskKey(workspaceId, taskId) })),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [workspaceId, live, queries, taskId]);
}

/** What is newly known of a task. */
export function takeTask(queries: QueryClient, task: TaskView): void {
  const key = taskKey(task.workspaceId, task.taskId);
  queries.setQueryData<TaskDetailView>(key, (known) => known && { ...known, ...task });
  if (isOver(task.status)) void queries.invalidateQueries({ queryKey: key });
}

/** The list with what is newly known of one of its tasks, or with a new one at its top. */
export function withTask(list: TaskPages, task: TaskView, status: TaskStatus | null): TaskPages {
  const fits = status === null || task.status === status;
  let found = false;
  const pages = list.pages.map((page) => {
    const at = page.items.findIndex(({ taskId }) => taskId === task.taskId);
    if (at < 0) return page;
    found = true;
    return { ...page, items: fits ? page.items.with(at, task) : page.items.toSpliced(at, 1) };
  });
  const [first, ...rest] = pages;
  if (found || !fits || first === undefined) return { ...list, pages };
  const newest = first.items[0];
  // One that is older than those that were loaded is where the next page will tell of it.
  if (newest !== undefined && task.createdAt < newest.createdAt) return list;
  return { ...list, pages: [{ ...first, items: [task, ...first.items] }, ...rest] };
}
