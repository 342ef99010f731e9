// Every question that the pages ask, as a value: where it goes and what it says. The value is also the key of the cache.
import type { RowSort } from "../url_state.ts";
import type {
  ContentRow,
  LeaderboardRow,
  Meta,
  Post,
  PostPoint,
  Profile,
  ProfilePoint,
  SearchRow,
  Status,
  TopPost,
} from "./types.ts";

/** A request whose reply's `data` is a T. */
export interface ApiRequest<T> {
  readonly path: string;
  /** Sent with POST; a request without a body is a GET. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Never set; carries T for the type checker. */
  readonly reply?: T;
}

/** A place in a list: the cursor where one is known, else the number of the page (1 is the first). */
export interface Place {
  page: number;
  cursor?: string | undefined;
}

const place = ({ page, cursor }: Place) => (cursor ? { cursor } : page > 1 ? { page } : {});
const segment = encodeURIComponent;
const profilePath = (platform: string, id: string) => `/discovery-service/api/profile/${segment(platform)}/${segment(id)}`;
const postPath = (platform: string, shortcode: string) => `/discovery-service/api/post/${segment(platform)}/${segment(shortcode)}`;
const boardPath = (platform: string) => `/leaderboard-service/api/leaderboard/platform/${segment(platform)}`;

export const PLATFORM = "YOUTUBE";
export const PAGE_SIZE = 20;

export const statusRequest: ApiRequest<Status> = { path: "/api/status" };
export const metaRequest: ApiRequest<Meta> = { path: "/api/meta" };

export function leaderboardRequest(
  question: { month?: string | undefined; category?: string | undefined; language?: string | undefined; sort: string },
  at: Place,
): ApiRequest<LeaderboardRow[]> {
  const { month, category, language, sort } = question;
  return {
    path: boardPath(PLATFORM),
    body: {
      sortBy: sort,
      size: PAGE_SIZE,
      ...(month && { month }),
      ...(category && { category }),
      ...(language && { language }),
      ...place(at),
    },
  };
}

export function topPostsRequest(category: string | undefined, at: Place): ApiRequest<TopPost[]> {
  return {
    path: `${boardPath(PLATFORM)}/posts`,
    body: { sortBy: "views_growth", size: PAGE_SIZE, ...(category && { category }), ...place(at) },
  };
}

export function searchRequest(
  question: { name?: string | undefined; category?: string | undefined; sort?: RowSort },
  at: Place,
  size = PAGE_SIZE,
): ApiRequest<SearchRow[]> {
  const filters: { filterType: string; field: string; value: string }[] = [];
  if (question.name) filters.push({ filterType: "LIKE", field: "name", value: question.name });
  if (question.category) filters.push({ filterType: "EQ", field: "category", value: question.category });
  const sort = question.sort ?? { by: "followers", direction: "DESC" };
  return {
    path: `/discovery-service/api/profile/${PLATFORM}/search`,
    body: { filters, sortBy: sort.by, sortDir: sort.direction, size, ...place(at) },
  };
}

export const profileRequest = (platform: string, id: string): ApiRequest<Profile> => ({ path: profilePath(platform, id) });

export const profileSeriesRequest = (platform: string, id: string): ApiRequest<ProfilePoint[]> => ({
  path: `${profilePath(platform, id)}/timeseries`,
  body: {},
});

export const contentRequest = (platform: string, id: string, sort: RowSort, at: Place): ApiRequest<ContentRow[]> => ({
  path: `${profilePath(platform, id)}/content`,
  body: { sortBy: sort.by, sortDir: sort.direction, size: PAGE_SIZE, ...place(at) },
});

export const postRequest = (platform: string, shortcode: string): ApiRequest<Post> => ({ path: postPath(platform, shortcode) });

export const postSeriesRequest = (platform: string, shortcode: string): ApiRequest<PostPoint[]> => ({
  path: `${postPath(platform, shortcode)}/timeseries`,
  body: {},
});
